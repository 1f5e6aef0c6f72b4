# What the reader hands over, on the main thread.
.class public final Lorg/keyplate/app/Desk;
.super Landroid/os/Handler;

.field private final activity:Lorg/keyplate/app/MainActivity;

.method public constructor <init>(Lorg/keyplate/app/MainActivity;)V
    .locals 1
    invoke-static {}, Landroid/os/Looper;->getMainLooper()Landroid/os/Looper;
    move-result-object v0
    invoke-direct {p0, v0}, Landroid/os/Handler;-><init>(Landroid/os/Looper;)V
    iput-object p1, p0, Lorg/keyplate/app/Desk;->activity:Lorg/keyplate/app/MainActivity;
    return-void
.end method

.method public handleMessage(Landroid/os/Message;)V
    .locals 3
    iget-object v0, p0, Lorg/keyplate/app/Desk;->activity:Lorg/keyplate/app/MainActivity;
    iget-object v1, p1, Landroid/os/Message;->obj:Ljava/lang/Object;
    instance-of v2, v1, Lorg/json/JSONObject;
    if-eqz v2, :over
    check-cast v1, Lorg/json/JSONObject;
    invoke-virtual {v0, v1}, Lorg/keyplate/app/MainActivity;->heard(Lorg/json/JSONObject;)V
    return-void
    :over
    check-cast v1, Lorg/keyplate/app/Gateway;
    invoke-virtual {v0, v1}, Lorg/keyplate/app/MainActivity;->gatewayEnded(Lorg/keyplate/app/Gateway;)V
    return-void
.end method
