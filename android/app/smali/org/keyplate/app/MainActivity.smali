# The one window: the start, the page of a proved device, or what is wrong.  All of it on the main thread.
# Nothing of a device is shown but what its gateway says is proved now, and there is no way past a refusal.
.class public final Lorg/keyplate/app/MainActivity;
.super Landroid/app/Activity;

.field private desk:Lorg/keyplate/app/Desk;
.field private idle:Lorg/keyplate/app/Idle;
.field private gateway:Lorg/keyplate/app/Gateway; # null: none runs
.field private web:Landroid/webkit/WebView; # null: nobody is logged in
.field private facts:Lorg/json/JSONObject; # of the proved device; null: nobody is logged in
.field private loginId:I # of the login that runs; 0: none
.field private askedDevice:Ljava/lang/String;
.field private askedUser:Ljava/lang/String;
.field private unchecked:Z # a person was told of a typing error, and means it
.field private touched:J # when a person last did something
.field private file:Landroid/webkit/ValueCallback; # a page waits for a file
.field private box:Landroid/app/AlertDialog;

.method public constructor <init>()V
    .locals 0
    invoke-direct {p0}, Landroid/app/Activity;-><init>()V
    return-void
.end method

# ---- What is seen ---------------------------------------------------------------------------------

.method private view(Ljava/lang/String;)Landroid/view/View;
    .locals 1
    invoke-static {p0, p1}, Lorg/keyplate/app/Res;->id(Landroid/content/Context;Ljava/lang/String;)I
    move-result v0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->findViewById(I)Landroid/view/View;
    move-result-object v0
    return-object v0
.end method

.method private write(Ljava/lang/String;Ljava/lang/String;)V
    .locals 1
    invoke-direct {p0, p1}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v0
    check-cast v0, Landroid/widget/TextView;
    invoke-virtual {v0, p2}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    return-void
.end method

# name is seen if it is wanted.
.method private turn(Ljava/lang/String;Ljava/lang/String;)V
    .locals 2
    invoke-direct {p0, p1}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v0
    invoke-virtual {p1, p2}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v1
    if-eqz v1, :gone
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/view/View;->setVisibility(I)V
    return-void
    :gone
    const/16 v1, 0x8
    invoke-virtual {v0, v1}, Landroid/view/View;->setVisibility(I)V
    return-void
.end method

.method private turnTo(Ljava/lang/String;)V
    .locals 1
    const-string v0, "page"
    invoke-direct {p0, v0, p1}, Lorg/keyplate/app/MainActivity;->turn(Ljava/lang/String;Ljava/lang/String;)V
    const-string v0, "start"
    invoke-direct {p0, v0, p1}, Lorg/keyplate/app/MainActivity;->turn(Ljava/lang/String;Ljava/lang/String;)V
    const-string v0, "wrong"
    invoke-direct {p0, v0, p1}, Lorg/keyplate/app/MainActivity;->turn(Ljava/lang/String;Ljava/lang/String;)V
    return-void
.end method

# The start, with a text, and its button unless a login runs.
.method private turnToStart(Ljava/lang/String;)V
    .locals 2
    const-string v0, "start_text"
    invoke-direct {p0, v0, p1}, Lorg/keyplate/app/MainActivity;->write(Ljava/lang/String;Ljava/lang/String;)V
    const-string v0, "start_button"
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v0
    iget v1, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    if-nez v1, :busy
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/view/View;->setVisibility(I)V
    goto :turn
    :busy
    const/4 v1, 0x4
    invoke-virtual {v0, v1}, Landroid/view/View;->setVisibility(I)V
    :turn
    const-string v0, "start"
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnTo(Ljava/lang/String;)V
    return-void
.end method

# Red, and nothing else.
.method private turnToWrong(Ljava/lang/String;)V
    .locals 1
    const-string v0, "wrong_text"
    invoke-direct {p0, v0, p1}, Lorg/keyplate/app/MainActivity;->write(Ljava/lang/String;Ljava/lang/String;)V
    const-string v0, "wrong"
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnTo(Ljava/lang/String;)V
    return-void
.end method

# The bar says who is proved; a page writes nothing there.
.method private writeBar()V
    .locals 5
    invoke-virtual {p0}, Lorg/keyplate/app/MainActivity;->getActionBar()Landroid/app/ActionBar;
    move-result-object v0
    if-eqz v0, :over
    iget-object v1, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    if-eqz v1, :nobody
    const-string v2, "name"
    invoke-virtual {v1, v2}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v0, v2}, Landroid/app/ActionBar;->setTitle(Ljava/lang/CharSequence;)V
    new-instance v2, Ljava/lang/StringBuilder;
    invoke-direct {v2}, Ljava/lang/StringBuilder;-><init>()V
    const-string v3, "where"
    invoke-virtual {v1, v3}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    invoke-virtual {v2, v3}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    const-string v3, ", "
    invoke-virtual {v2, v3}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    const-string v3, "proved"
    invoke-static {p0, v3}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v4
    invoke-virtual {v2, v4}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    invoke-virtual {v2}, Ljava/lang/StringBuilder;->toString()Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v0, v2}, Landroid/app/ActionBar;->setSubtitle(Ljava/lang/CharSequence;)V
    const-string v3, "proved"
    invoke-static {p0, v3}, Lorg/keyplate/app/Res;->drawable(Landroid/content/Context;Ljava/lang/String;)I
    move-result v2
    const/4 v3, 0x1
    goto :icon
    :nobody
    const-string v2, "app_name"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v0, v2}, Landroid/app/ActionBar;->setTitle(Ljava/lang/CharSequence;)V
    const/4 v2, 0x0
    invoke-virtual {v0, v2}, Landroid/app/ActionBar;->setSubtitle(Ljava/lang/CharSequence;)V
    const-string v3, "idle"
    invoke-static {p0, v3}, Lorg/keyplate/app/Res;->drawable(Landroid/content/Context;Ljava/lang/String;)I
    move-result v2
    const/4 v3, 0x0
    :icon
    invoke-virtual {v0, v2}, Landroid/app/ActionBar;->setIcon(I)V
    invoke-virtual {v0, v3}, Landroid/app/ActionBar;->setDisplayShowHomeEnabled(Z)V
    invoke-virtual {p0}, Lorg/keyplate/app/MainActivity;->invalidateOptionsMenu()V
    :over
    return-void
.end method

.method public tell(Ljava/lang/String;)V
    .locals 1
    const/4 v0, 0x1
    invoke-static {p0, p1, v0}, Landroid/widget/Toast;->makeText(Landroid/content/Context;Ljava/lang/CharSequence;I)Landroid/widget/Toast;
    move-result-object v0
    invoke-virtual {v0}, Landroid/widget/Toast;->show()V
    return-void
.end method

# ---- The gateway ----------------------------------------------------------------------------------

# Whether one runs now.
.method private startGateway()Z
    .locals 4
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    if-nez v0, :runs
    new-instance v0, Lorg/keyplate/app/Gateway;
    invoke-direct {v0}, Lorg/keyplate/app/Gateway;-><init>()V
    new-instance v1, Lorg/json/JSONObject;
    invoke-direct {v1}, Lorg/json/JSONObject;-><init>()V
    :try_start
    iget-object v2, p0, Lorg/keyplate/app/MainActivity;->desk:Lorg/keyplate/app/Desk;
    invoke-virtual {v0, p0, v2}, Lorg/keyplate/app/Gateway;->start(Landroid/content/Context;Landroid/os/Handler;)V
    const-string v2, "protocol"
    const/4 v3, 0x1
    invoke-virtual {v1, v2, v3}, Lorg/json/JSONObject;->put(Ljava/lang/String;I)Lorg/json/JSONObject;
    const-string v2, "client"
    const-string v3, "app"
    invoke-virtual {v1, v2, v3}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    const-string v2, "lasting"
    const/4 v3, 0x0
    invoke-virtual {v1, v2, v3}, Lorg/json/JSONObject;->put(Ljava/lang/String;Z)Lorg/json/JSONObject;
    const-string v3, "language"
    invoke-static {p0, v3}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v1, v3, v2}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    :try_end
    .catch Ljava/lang/Exception; {:try_start .. :try_end} :failed
    iput-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    const-string v2, "hello"
    invoke-virtual {v0, v2, v1}, Lorg/keyplate/app/Gateway;->ask(Ljava/lang/String;Lorg/json/JSONObject;)I
    :runs
    const/4 v0, 0x1
    return v0
    :failed
    move-exception v0
    const-string v0, "gateway_gone"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnToWrong(Ljava/lang/String;)V
    const/4 v0, 0x0
    return v0
.end method

# It is over; one that was let go before is none of ours any more.
.method public gatewayEnded(Lorg/keyplate/app/Gateway;)V
    .locals 1
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    if-ne v0, p1, :over
    if-eqz v0, :over
    invoke-virtual {v0}, Lorg/keyplate/app/Gateway;->end()V
    const/4 v0, 0x0
    iput-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->closePage()V
    const-string v0, "gateway_gone"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnToWrong(Ljava/lang/String;)V
    :over
    return-void
.end method

.method public heard(Lorg/json/JSONObject;)V
    .locals 3
    const-string v0, "event"
    invoke-virtual {p1, v0}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {v0}, Ljava/lang/String;->length()I
    move-result v1
    if-eqz v1, :answer
    invoke-direct {p0, v0, p1}, Lorg/keyplate/app/MainActivity;->happened(Ljava/lang/String;Lorg/json/JSONObject;)V
    return-void
    :answer
    const-string v0, "id"
    invoke-virtual {p1, v0}, Lorg/json/JSONObject;->optInt(Ljava/lang/String;)I
    move-result v0
    iget v1, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    if-eqz v1, :over
    if-ne v0, v1, :over
    const/4 v2, 0x0
    iput v2, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    invoke-direct {p0, p1}, Lorg/keyplate/app/MainActivity;->answered(Lorg/json/JSONObject;)V
    :over
    return-void
.end method

.method private happened(Ljava/lang/String;Lorg/json/JSONObject;)V
    .locals 3
    const-string v0, "restarted"
    invoke-virtual {v0, p1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-eqz v0, :state
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->gatewayEnded(Lorg/keyplate/app/Gateway;)V
    return-void
    :state
    const-string v0, "state"
    invoke-virtual {v0, p1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-eqz v0, :said
    const-string v0, "device"
    invoke-virtual {p2, v0}, Lorg/json/JSONObject;->optJSONObject(Ljava/lang/String;)Lorg/json/JSONObject;
    move-result-object v0
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->changed(Lorg/json/JSONObject;)V
    return-void
    :said
    const-string v0, "said"
    invoke-virtual {v0, p1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-eqz v0, :over
    # Notes are for who sits at a terminal.
    const-string v0, "level"
    invoke-virtual {p2, v0}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    const-string v1, "note"
    invoke-virtual {v1, v0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-nez v0, :over
    const-string v0, "text"
    invoke-virtual {p2, v0}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->tell(Ljava/lang/String;)V
    :over
    return-void
.end method

# Something of a device has changed; another one than ours is nobody's business here.
.method private changed(Lorg/json/JSONObject;)V
    .locals 4
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    if-eqz v0, :over
    if-eqz p1, :over
    const-string v1, "name"
    invoke-virtual {v0, v1}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {p1, v1}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    invoke-virtual {v2, v3}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-eqz v2, :over
    const-string v1, "state"
    invoke-virtual {p1, v1}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    const-string v2, "in"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-nez v2, :in
    const-string v2, "refused"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-nez v2, :refused
    const-string v2, "stranger"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-nez v2, :stranger
    const-string v2, "out"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-eqz v2, :over
    const/4 v0, 0x0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->logOut(Ljava/lang/String;)V
    return-void
    :in
    iput-object p1, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->writeBar()V
    return-void
    :refused
    const-string v0, "refused"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    goto :wrong
    :stranger
    const-string v0, "stranger"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    :wrong
    const/4 v1, 0x0
    invoke-virtual {p0, v1}, Lorg/keyplate/app/MainActivity;->logOut(Ljava/lang/String;)V
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnToWrong(Ljava/lang/String;)V
    :over
    return-void
.end method

# ---- Logging in -----------------------------------------------------------------------------------

# The login box, with a link or an address in it, or none.
.method public beginAgain(Ljava/lang/String;)V
    .locals 2
    const/4 v1, 0x0
    iput-boolean v1, p0, Lorg/keyplate/app/MainActivity;->unchecked:Z
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->startGateway()Z
    move-result v0
    if-eqz v0, :over
    const-string v0, "start"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnToStart(Ljava/lang/String;)V
    const/4 v0, 0x0
    invoke-direct {p0, p1, v0, v0}, Lorg/keyplate/app/MainActivity;->showBox(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    :over
    return-void
.end method

.method private showBox(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    .locals 1
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->closeBox()V
    invoke-static {p0, p1, p2, p3}, Lorg/keyplate/app/LoginBox;->show(Lorg/keyplate/app/MainActivity;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)Landroid/app/AlertDialog;
    move-result-object v0
    iput-object v0, p0, Lorg/keyplate/app/MainActivity;->box:Landroid/app/AlertDialog;
    return-void
.end method

.method private closeBox()V
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->box:Landroid/app/AlertDialog;
    if-eqz v0, :over
    invoke-virtual {v0}, Landroid/app/AlertDialog;->dismiss()V
    const/4 v1, 0x0
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->box:Landroid/app/AlertDialog;
    :over
    return-void
.end method

# One act of a person, one guess at most.
.method public logIn(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    .locals 4
    iput-object p1, p0, Lorg/keyplate/app/MainActivity;->askedDevice:Ljava/lang/String;
    iput-object p2, p0, Lorg/keyplate/app/MainActivity;->askedUser:Ljava/lang/String;
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    if-eqz v0, :over
    iget v1, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    if-nez v1, :over
    iget-object v1, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    if-nez v1, :over
    new-instance v1, Lorg/json/JSONObject;
    invoke-direct {v1}, Lorg/json/JSONObject;-><init>()V
    :try_start
    const-string v2, "device"
    invoke-virtual {v1, v2, p1}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    invoke-virtual {p2}, Ljava/lang/String;->length()I
    move-result v2
    if-eqz v2, :no_user
    const-string v2, "user"
    invoke-virtual {v1, v2, p2}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    :no_user
    const-string v2, "password"
    invoke-virtual {v1, v2, p3}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    const-string v2, "check"
    iget-boolean v3, p0, Lorg/keyplate/app/MainActivity;->unchecked:Z
    xor-int/lit8 v3, v3, 0x1
    invoke-virtual {v1, v2, v3}, Lorg/json/JSONObject;->put(Ljava/lang/String;Z)Lorg/json/JSONObject;
    :try_end
    .catch Lorg/json/JSONException; {:try_start .. :try_end} :failed
    const-string v2, "login"
    invoke-virtual {v0, v2, v1}, Lorg/keyplate/app/Gateway;->ask(Ljava/lang/String;Lorg/json/JSONObject;)I
    move-result v2
    iput v2, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    const-string v2, "proving"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-direct {p0, v2}, Lorg/keyplate/app/MainActivity;->turnToStart(Ljava/lang/String;)V
    :over
    return-void
    :failed
    move-exception v0
    return-void
.end method

# What the gateway says of the login: its sentences are the only ones that know what happened.
.method private answered(Lorg/json/JSONObject;)V
    .locals 4
    const-string v0, "ok"
    invoke-virtual {p1, v0}, Lorg/json/JSONObject;->optBoolean(Ljava/lang/String;)Z
    move-result v0
    if-eqz v0, :not
    const/4 v0, 0x0
    iput-boolean v0, p0, Lorg/keyplate/app/MainActivity;->unchecked:Z
    invoke-direct {p0, p1}, Lorg/keyplate/app/MainActivity;->enter(Lorg/json/JSONObject;)V
    return-void
    :not
    invoke-static {p1}, Lorg/keyplate/app/Sentence;->of(Lorg/json/JSONObject;)Ljava/lang/String;
    move-result-object v0
    const-string v1, "error"
    invoke-virtual {p1, v1}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    const-string v2, "refused"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-nez v2, :wrong
    const-string v2, "stranger"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    if-nez v2, :wrong
    const-string v2, "mistyped"
    invoke-virtual {v2, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v2
    iput-boolean v2, p0, Lorg/keyplate/app/MainActivity;->unchecked:Z
    const-string v2, "start"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-direct {p0, v2}, Lorg/keyplate/app/MainActivity;->turnToStart(Ljava/lang/String;)V
    iget-object v1, p0, Lorg/keyplate/app/MainActivity;->askedDevice:Ljava/lang/String;
    iget-object v2, p0, Lorg/keyplate/app/MainActivity;->askedUser:Ljava/lang/String;
    invoke-direct {p0, v1, v2, v0}, Lorg/keyplate/app/MainActivity;->showBox(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V
    return-void
    :wrong
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->turnToWrong(Ljava/lang/String;)V
    return-void
.end method

# Proved: its page, by the link that lets one browser in once.
.method private enter(Lorg/json/JSONObject;)V
    .locals 4
    const-string v0, "device"
    invoke-virtual {p1, v0}, Lorg/json/JSONObject;->optJSONObject(Ljava/lang/String;)Lorg/json/JSONObject;
    move-result-object v0
    if-eqz v0, :over
    iput-object v0, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    const-string v1, "origin"
    invoke-virtual {v0, v1}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-static {p0, v0}, Lorg/keyplate/app/Page;->make(Lorg/keyplate/app/MainActivity;Ljava/lang/String;)Landroid/webkit/WebView;
    move-result-object v1
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->web:Landroid/webkit/WebView;
    const-string v2, "page"
    invoke-direct {p0, v2}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v3
    check-cast v3, Landroid/view/ViewGroup;
    invoke-virtual {v3, v1}, Landroid/view/ViewGroup;->addView(Landroid/view/View;)V
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->touch()V
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->writeBar()V
    invoke-direct {p0, v2}, Lorg/keyplate/app/MainActivity;->turnTo(Ljava/lang/String;)V
    const-string v2, "link"
    invoke-virtual {p1, v2}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v1, v2}, Landroid/webkit/WebView;->loadUrl(Ljava/lang/String;)V
    :over
    return-void
.end method

# ---- Logging out ----------------------------------------------------------------------------------

# why: what the start says then; null: what it always says.
.method public logOut(Ljava/lang/String;)V
    .locals 4
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    if-eqz v0, :over
    iget-object v1, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    if-eqz v1, :close
    new-instance v2, Lorg/json/JSONObject;
    invoke-direct {v2}, Lorg/json/JSONObject;-><init>()V
    :try_start
    const-string v3, "name"
    invoke-virtual {v0, v3}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {v2, v3, v0}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    :try_end
    .catch Lorg/json/JSONException; {:try_start .. :try_end} :failed
    const-string v0, "logout"
    invoke-virtual {v1, v0, v2}, Lorg/keyplate/app/Gateway;->ask(Ljava/lang/String;Lorg/json/JSONObject;)I
    goto :close
    :failed
    move-exception v0
    :close
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->closePage()V
    if-nez p1, :say
    const-string v0, "start"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object p1
    :say
    invoke-direct {p0, p1}, Lorg/keyplate/app/MainActivity;->turnToStart(Ljava/lang/String;)V
    :over
    return-void
.end method

# Nothing of the device is left here.
.method private closePage()V
    .locals 3
    const/4 v2, 0x0
    iput v2, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    const/4 v1, 0x0
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    invoke-direct {p0, v1}, Lorg/keyplate/app/MainActivity;->answerFile([Landroid/net/Uri;)V
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->closeBox()V
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->web:Landroid/webkit/WebView;
    if-eqz v0, :shared
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->web:Landroid/webkit/WebView;
    const-string v1, "page"
    invoke-direct {p0, v1}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v1
    check-cast v1, Landroid/view/ViewGroup;
    invoke-virtual {v1, v0}, Landroid/view/ViewGroup;->removeView(Landroid/view/View;)V
    invoke-static {v0}, Lorg/keyplate/app/Wipe;->page(Landroid/webkit/WebView;)V
    :shared
    invoke-static {}, Lorg/keyplate/app/Wipe;->shared()V
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->writeBar()V
    return-void
.end method

.method private touch()V
    .locals 2
    invoke-static {}, Landroid/os/SystemClock;->elapsedRealtime()J
    move-result-wide v0
    iput-wide v0, p0, Lorg/keyplate/app/MainActivity;->touched:J
    return-void
.end method

# 15 minutes, also of sleep.
.method public endIfIdle()V
    .locals 4
    invoke-static {}, Landroid/os/SystemClock;->elapsedRealtime()J
    move-result-wide v0
    iget-wide v2, p0, Lorg/keyplate/app/MainActivity;->touched:J
    sub-long/2addr v0, v2
    const-wide/32 v2, 0xdbba0
    cmp-long v0, v0, v2
    if-ltz v0, :over
    const-string v0, "idle"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->logOut(Ljava/lang/String;)V
    :over
    return-void
.end method

# ---- Files for a page -----------------------------------------------------------------------------

.method private answerFile([Landroid/net/Uri;)V
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->file:Landroid/webkit/ValueCallback;
    if-eqz v0, :over
    const/4 v1, 0x0
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->file:Landroid/webkit/ValueCallback;
    invoke-interface {v0, p1}, Landroid/webkit/ValueCallback;->onReceiveValue(Ljava/lang/Object;)V
    :over
    return-void
.end method

.method public chooseFile(Landroid/webkit/ValueCallback;Landroid/content/Intent;)V
    .locals 2
    const/4 v0, 0x0
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->answerFile([Landroid/net/Uri;)V
    iput-object p1, p0, Lorg/keyplate/app/MainActivity;->file:Landroid/webkit/ValueCallback;
    :try_start
    const/4 v1, 0x1
    invoke-virtual {p0, p2, v1}, Lorg/keyplate/app/MainActivity;->startActivityForResult(Landroid/content/Intent;I)V
    :try_end
    .catch Landroid/content/ActivityNotFoundException; {:try_start .. :try_end} :nobody
    return-void
    :nobody
    move-exception v1
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->answerFile([Landroid/net/Uri;)V
    return-void
.end method

.method protected onActivityResult(IILandroid/content/Intent;)V
    .locals 1
    invoke-super {p0, p1, p2, p3}, Landroid/app/Activity;->onActivityResult(IILandroid/content/Intent;)V
    invoke-static {p2, p3}, Landroid/webkit/WebChromeClient$FileChooserParams;->parseResult(ILandroid/content/Intent;)[Landroid/net/Uri;
    move-result-object v0
    invoke-direct {p0, v0}, Lorg/keyplate/app/MainActivity;->answerFile([Landroid/net/Uri;)V
    return-void
.end method

# ---- The menu -------------------------------------------------------------------------------------

.method public onCreateOptionsMenu(Landroid/view/Menu;)Z
    .locals 5
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    if-eqz v0, :over
    const/4 v0, 0x0
    const/4 v1, 0x1
    const-string v2, "log_out"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-interface {p1, v0, v1, v0, v2}, Landroid/view/Menu;->add(IIILjava/lang/CharSequence;)Landroid/view/MenuItem;
    move-result-object v2
    invoke-interface {v2, v1}, Landroid/view/MenuItem;->setShowAsAction(I)V
    const/4 v1, 0x2
    const-string v2, "reload"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-interface {p1, v0, v1, v0, v2}, Landroid/view/Menu;->add(IIILjava/lang/CharSequence;)Landroid/view/MenuItem;
    const/4 v1, 0x3
    const-string v2, "details"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-interface {p1, v0, v1, v0, v2}, Landroid/view/Menu;->add(IIILjava/lang/CharSequence;)Landroid/view/MenuItem;
    :over
    const/4 v0, 0x1
    return v0
.end method

.method public onOptionsItemSelected(Landroid/view/MenuItem;)Z
    .locals 3
    invoke-interface {p1}, Landroid/view/MenuItem;->getItemId()I
    move-result v0
    iget-object v1, p0, Lorg/keyplate/app/MainActivity;->web:Landroid/webkit/WebView;
    if-eqz v1, :other
    const/4 v2, 0x1
    if-eq v0, v2, :log_out
    const/4 v2, 0x2
    if-eq v0, v2, :reload
    const/4 v2, 0x3
    if-eq v0, v2, :details
    :other
    invoke-super {p0, p1}, Landroid/app/Activity;->onOptionsItemSelected(Landroid/view/MenuItem;)Z
    move-result v0
    return v0
    :log_out
    const/4 v0, 0x0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->logOut(Ljava/lang/String;)V
    goto :done
    :reload
    invoke-virtual {v1}, Landroid/webkit/WebView;->reload()V
    goto :done
    :details
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    invoke-static {p0, v0}, Lorg/keyplate/app/Details;->show(Landroid/app/Activity;Lorg/json/JSONObject;)V
    :done
    const/4 v0, 0x1
    return v0
.end method

# ---- Life -----------------------------------------------------------------------------------------

.method protected onCreate(Landroid/os/Bundle;)V
    .locals 2
    invoke-super {p0, p1}, Landroid/app/Activity;->onCreate(Landroid/os/Bundle;)V
    const-string v0, "main"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->layout(Landroid/content/Context;Ljava/lang/String;)I
    move-result v0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->setContentView(I)V
    new-instance v0, Lorg/keyplate/app/Press;
    invoke-direct {v0, p0}, Lorg/keyplate/app/Press;-><init>(Lorg/keyplate/app/MainActivity;)V
    const-string v1, "start_button"
    invoke-direct {p0, v1}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v1
    invoke-virtual {v1, v0}, Landroid/view/View;->setOnClickListener(Landroid/view/View$OnClickListener;)V
    const-string v1, "wrong_button"
    invoke-direct {p0, v1}, Lorg/keyplate/app/MainActivity;->view(Ljava/lang/String;)Landroid/view/View;
    move-result-object v1
    invoke-virtual {v1, v0}, Landroid/view/View;->setOnClickListener(Landroid/view/View$OnClickListener;)V
    new-instance v0, Lorg/keyplate/app/Desk;
    invoke-direct {v0, p0}, Lorg/keyplate/app/Desk;-><init>(Lorg/keyplate/app/MainActivity;)V
    iput-object v0, p0, Lorg/keyplate/app/MainActivity;->desk:Lorg/keyplate/app/Desk;
    new-instance v1, Lorg/keyplate/app/Idle;
    invoke-direct {v1, p0, v0}, Lorg/keyplate/app/Idle;-><init>(Lorg/keyplate/app/MainActivity;Landroid/os/Handler;)V
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->idle:Lorg/keyplate/app/Idle;
    # Also what was left when this app was killed.
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->closePage()V
    invoke-virtual {v1}, Lorg/keyplate/app/Idle;->run()V
    invoke-virtual {p0}, Lorg/keyplate/app/MainActivity;->getIntent()Landroid/content/Intent;
    move-result-object v0
    invoke-virtual {v0}, Landroid/content/Intent;->getDataString()Ljava/lang/String;
    move-result-object v0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->beginAgain(Ljava/lang/String;)V
    return-void
.end method

# A link fills in the box; it never throws anybody out.
.method protected onNewIntent(Landroid/content/Intent;)V
    .locals 2
    invoke-super {p0, p1}, Landroid/app/Activity;->onNewIntent(Landroid/content/Intent;)V
    invoke-virtual {p1}, Landroid/content/Intent;->getDataString()Ljava/lang/String;
    move-result-object v0
    if-eqz v0, :over
    iget-object v1, p0, Lorg/keyplate/app/MainActivity;->facts:Lorg/json/JSONObject;
    if-nez v1, :busy
    iget v1, p0, Lorg/keyplate/app/MainActivity;->loginId:I
    if-nez v1, :busy
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->beginAgain(Ljava/lang/String;)V
    return-void
    :busy
    const-string v0, "log_out_first"
    invoke-static {p0, v0}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {p0, v0}, Lorg/keyplate/app/MainActivity;->tell(Ljava/lang/String;)V
    :over
    return-void
.end method

# While it slept nobody looked.
.method protected onResume()V
    .locals 0
    invoke-super {p0}, Landroid/app/Activity;->onResume()V
    invoke-virtual {p0}, Lorg/keyplate/app/MainActivity;->endIfIdle()V
    return-void
.end method

.method public onUserInteraction()V
    .locals 0
    invoke-super {p0}, Landroid/app/Activity;->onUserInteraction()V
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->touch()V
    return-void
.end method

# Back is the page's while it has a way back; then the app goes behind others, and stays logged in.
.method public onBackPressed()V
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->web:Landroid/webkit/WebView;
    if-eqz v0, :leave
    invoke-virtual {v0}, Landroid/webkit/WebView;->canGoBack()Z
    move-result v1
    if-eqz v1, :behind
    invoke-virtual {v0}, Landroid/webkit/WebView;->goBack()V
    return-void
    :behind
    const/4 v1, 0x1
    invoke-virtual {p0, v1}, Lorg/keyplate/app/MainActivity;->moveTaskToBack(Z)Z
    return-void
    :leave
    invoke-super {p0}, Landroid/app/Activity;->onBackPressed()V
    return-void
.end method

.method protected onDestroy()V
    .locals 3
    invoke-direct {p0}, Lorg/keyplate/app/MainActivity;->closePage()V
    const/4 v1, 0x0
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    iput-object v1, p0, Lorg/keyplate/app/MainActivity;->gateway:Lorg/keyplate/app/Gateway;
    if-eqz v0, :quiet
    invoke-virtual {v0}, Lorg/keyplate/app/Gateway;->end()V
    :quiet
    iget-object v0, p0, Lorg/keyplate/app/MainActivity;->desk:Lorg/keyplate/app/Desk;
    invoke-virtual {v0, v1}, Lorg/keyplate/app/Desk;->removeCallbacksAndMessages(Ljava/lang/Object;)V
    invoke-super {p0}, Landroid/app/Activity;->onDestroy()V
    return-void
.end method
