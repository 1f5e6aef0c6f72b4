# Looks twice a minute whether a person is still there.
.class public final Lorg/keyplate/app/Idle;
.super Ljava/lang/Object;
.implements Ljava/lang/Runnable;

.field private final activity:Lorg/keyplate/app/MainActivity;
.field private final desk:Landroid/os/Handler;

.method public constructor <init>(Lorg/keyplate/app/MainActivity;Landroid/os/Handler;)V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/Idle;->activity:Lorg/keyplate/app/MainActivity;
    iput-object p2, p0, Lorg/keyplate/app/Idle;->desk:Landroid/os/Handler;
    return-void
.end method

.method public run()V
    .locals 3
    iget-object v0, p0, Lorg/keyplate/app/Idle;->activity:Lorg/keyplate/app/MainActivity;
    invoke-virtual {v0}, Lorg/keyplate/app/MainActivity;->endIfIdle()V
    iget-object v0, p0, Lorg/keyplate/app/Idle;->desk:Landroid/os/Handler;
    const-wide/16 v1, 0x7530
    invoke-virtual {v0, p0, v1, v2}, Landroid/os/Handler;->postDelayed(Ljava/lang/Runnable;J)Z
    return-void
.end method
