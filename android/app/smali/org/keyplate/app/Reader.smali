# A thread that reads what the gateway says, and hands it to the main thread: message 1 is a JSONObject,
# message 2 a Gateway that has ended.
.class public final Lorg/keyplate/app/Reader;
.super Ljava/lang/Object;
.implements Ljava/lang/Runnable;

.field private final gateway:Lorg/keyplate/app/Gateway;
.field private final in:Ljava/io/DataInputStream;
.field private final to:Landroid/os/Handler;

.method public constructor <init>(Lorg/keyplate/app/Gateway;Ljava/io/InputStream;Landroid/os/Handler;)V
    .locals 1
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/Reader;->gateway:Lorg/keyplate/app/Gateway;
    new-instance v0, Ljava/io/DataInputStream;
    invoke-direct {v0, p2}, Ljava/io/DataInputStream;-><init>(Ljava/io/InputStream;)V
    iput-object v0, p0, Lorg/keyplate/app/Reader;->in:Ljava/io/DataInputStream;
    iput-object p3, p0, Lorg/keyplate/app/Reader;->to:Landroid/os/Handler;
    return-void
.end method

.method private send(ILjava/lang/Object;)V
    .locals 1
    iget-object v0, p0, Lorg/keyplate/app/Reader;->to:Landroid/os/Handler;
    invoke-virtual {v0, p1, p2}, Landroid/os/Handler;->obtainMessage(ILjava/lang/Object;)Landroid/os/Message;
    move-result-object v0
    invoke-virtual {v0}, Landroid/os/Message;->sendToTarget()V
    return-void
.end method

.method public run()V
    .locals 2
    :try_start
    :again
    iget-object v0, p0, Lorg/keyplate/app/Reader;->in:Ljava/io/DataInputStream;
    invoke-static {v0}, Lorg/keyplate/app/Frames;->read(Ljava/io/DataInputStream;)Lorg/json/JSONObject;
    move-result-object v0
    if-eqz v0, :over
    const/4 v1, 0x1
    invoke-direct {p0, v1, v0}, Lorg/keyplate/app/Reader;->send(ILjava/lang/Object;)V
    goto :again
    :try_end
    .catch Ljava/lang/Exception; {:try_start .. :try_end} :failed
    :failed
    move-exception v0
    :over
    const/4 v0, 0x2
    iget-object v1, p0, Lorg/keyplate/app/Reader;->gateway:Lorg/keyplate/app/Gateway;
    invoke-direct {p0, v0, v1}, Lorg/keyplate/app/Reader;->send(ILjava/lang/Object;)V
    return-void
.end method
