# The two buttons outside pages: both lead to the login box.
.class public final Lorg/keyplate/app/Press;
.super Ljava/lang/Object;
.implements Landroid/view/View$OnClickListener;

.field private final activity:Lorg/keyplate/app/MainActivity;

.method public constructor <init>(Lorg/keyplate/app/MainActivity;)V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/Press;->activity:Lorg/keyplate/app/MainActivity;
    return-void
.end method

.method public onClick(Landroid/view/View;)V
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/Press;->activity:Lorg/keyplate/app/MainActivity;
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Lorg/keyplate/app/MainActivity;->beginAgain(Ljava/lang/String;)V
    return-void
.end method
