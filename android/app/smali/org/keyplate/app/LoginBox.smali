# The login box: a dialog of the app's own, never page content; not in screenshots.  The password goes from
# its field into one request, and the field is emptied.
.class public final Lorg/keyplate/app/LoginBox;
.super Ljava/lang/Object;
.implements Landroid/content/DialogInterface$OnClickListener;

.field private final activity:Lorg/keyplate/app/MainActivity;
.field private final view:Landroid/view/View;

.method private constructor <init>(Lorg/keyplate/app/MainActivity;Landroid/view/View;)V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/LoginBox;->activity:Lorg/keyplate/app/MainActivity;
    iput-object p2, p0, Lorg/keyplate/app/LoginBox;->view:Landroid/view/View;
    return-void
.end method

.method private field(Ljava/lang/String;)Landroid/widget/TextView;
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/LoginBox;->activity:Lorg/keyplate/app/MainActivity;
    invoke-static {v0, p1}, Lorg/keyplate/app/Res;->id(Landroid/content/Context;Ljava/lang/String;)I
    move-result v0
    iget-object v1, p0, Lorg/keyplate/app/LoginBox;->view:Landroid/view/View;
    invoke-virtual {v1, v0}, Landroid/view/View;->findViewById(I)Landroid/view/View;
    move-result-object v0
    check-cast v0, Landroid/widget/TextView;
    return-object v0
.end method

.method private read(Ljava/lang/String;)Ljava/lang/String;
    .locals 1
    invoke-direct {p0, p1}, Lorg/keyplate/app/LoginBox;->field(Ljava/lang/String;)Landroid/widget/TextView;
    move-result-object v0
    invoke-virtual {v0}, Landroid/widget/TextView;->getText()Ljava/lang/CharSequence;
    move-result-object v0
    invoke-virtual {v0}, Ljava/lang/Object;->toString()Ljava/lang/String;
    move-result-object v0
    return-object v0
.end method

# device: an address or a link, whose "#p=" is put where passwords belong; message: what was wrong before, or
# null.
.method public static show(Lorg/keyplate/app/MainActivity;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)Landroid/app/AlertDialog;
    .locals 6
    invoke-virtual {p0}, Lorg/keyplate/app/MainActivity;->getLayoutInflater()Landroid/view/LayoutInflater;
    move-result-object v0
    const-string v1, "login"
    invoke-static {p0, v1}, Lorg/keyplate/app/Res;->layout(Landroid/content/Context;Ljava/lang/String;)I
    move-result v1
    const/4 v2, 0x0
    invoke-virtual {v0, v1, v2}, Landroid/view/LayoutInflater;->inflate(ILandroid/view/ViewGroup;)Landroid/view/View;
    move-result-object v0
    new-instance v1, Lorg/keyplate/app/LoginBox;
    invoke-direct {v1, p0, v0}, Lorg/keyplate/app/LoginBox;-><init>(Lorg/keyplate/app/MainActivity;Landroid/view/View;)V
    invoke-direct {v1, p1, p2, p3}, Lorg/keyplate/app/LoginBox;->fill(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    new-instance v2, Landroid/app/AlertDialog$Builder;
    invoke-direct {v2, p0}, Landroid/app/AlertDialog$Builder;-><init>(Landroid/content/Context;)V
    const-string v3, "log_in"
    invoke-static {p0, v3}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    invoke-virtual {v2, v3}, Landroid/app/AlertDialog$Builder;->setTitle(Ljava/lang/CharSequence;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {v2, v0}, Landroid/app/AlertDialog$Builder;->setView(Landroid/view/View;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {v2, v3, v1}, Landroid/app/AlertDialog$Builder;->setPositiveButton(Ljava/lang/CharSequence;Landroid/content/DialogInterface$OnClickListener;)Landroid/app/AlertDialog$Builder;
    const-string v3, "cancel"
    invoke-static {p0, v3}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    const/4 v4, 0x0
    invoke-virtual {v2, v3, v4}, Landroid/app/AlertDialog$Builder;->setNegativeButton(Ljava/lang/CharSequence;Landroid/content/DialogInterface$OnClickListener;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {v2}, Landroid/app/AlertDialog$Builder;->create()Landroid/app/AlertDialog;
    move-result-object v2
    invoke-virtual {v2, v4}, Landroid/app/AlertDialog;->setCanceledOnTouchOutside(Z)V
    invoke-virtual {v2}, Landroid/app/AlertDialog;->getWindow()Landroid/view/Window;
    move-result-object v3
    const/16 v5, 0x2000 # FLAG_SECURE
    invoke-virtual {v3, v5, v5}, Landroid/view/Window;->setFlags(II)V
    invoke-virtual {v2}, Landroid/app/AlertDialog;->show()V
    return-object v2
.end method

.method private fill(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    .locals 3
    if-eqz p3, :quiet
    const-string v0, "login_text"
    invoke-direct {p0, v0}, Lorg/keyplate/app/LoginBox;->field(Ljava/lang/String;)Landroid/widget/TextView;
    move-result-object v0
    invoke-virtual {v0, p3}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/widget/TextView;->setVisibility(I)V
    :quiet
    const-string v0, "login_user"
    invoke-direct {p0, v0}, Lorg/keyplate/app/LoginBox;->field(Ljava/lang/String;)Landroid/widget/TextView;
    move-result-object v0
    invoke-virtual {v0, p2}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    if-eqz p1, :over
    const-string v0, "#p="
    invoke-virtual {p1, v0}, Ljava/lang/String;->indexOf(Ljava/lang/String;)I
    move-result v0
    if-ltz v0, :plain
    add-int/lit8 v1, v0, 0x3
    invoke-virtual {p1, v1}, Ljava/lang/String;->substring(I)Ljava/lang/String;
    move-result-object v1
    const-string v2, "login_password"
    invoke-direct {p0, v2}, Lorg/keyplate/app/LoginBox;->field(Ljava/lang/String;)Landroid/widget/TextView;
    move-result-object v2
    invoke-virtual {v2, v1}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    const/4 v1, 0x0
    invoke-virtual {p1, v1, v0}, Ljava/lang/String;->substring(II)Ljava/lang/String;
    move-result-object p1
    :plain
    const-string v0, "login_device"
    invoke-direct {p0, v0}, Lorg/keyplate/app/LoginBox;->field(Ljava/lang/String;)Landroid/widget/TextView;
    move-result-object v0
    invoke-virtual {v0, p1}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    :over
    return-void
.end method

.method public onClick(Landroid/content/DialogInterface;I)V
    .locals 5
    const-string v0, "login_device"
    invoke-direct {p0, v0}, Lorg/keyplate/app/LoginBox;->read(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {v0}, Ljava/lang/String;->trim()Ljava/lang/String;
    move-result-object v0
    const-string v1, "login_user"
    invoke-direct {p0, v1}, Lorg/keyplate/app/LoginBox;->read(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    const-string v2, "login_password"
    invoke-direct {p0, v2}, Lorg/keyplate/app/LoginBox;->read(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    invoke-direct {p0, v2}, Lorg/keyplate/app/LoginBox;->field(Ljava/lang/String;)Landroid/widget/TextView;
    move-result-object v2
    const-string v4, ""
    invoke-virtual {v2, v4}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    iget-object v2, p0, Lorg/keyplate/app/LoginBox;->activity:Lorg/keyplate/app/MainActivity;
    invoke-virtual {v2, v0, v1, v3}, Lorg/keyplate/app/MainActivity;->logIn(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    return-void
.end method
