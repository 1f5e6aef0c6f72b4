// Just so much of Android that the app's own code runs on a Java machine without it, for a test: what
// api.txt lists and no more, so that code that uses anything else fails when it is loaded.  It is a guess at
// what Android does, and proves nothing of Android.  Split into a file for each "package" line before it is
// compiled.

package android.app;
public class ActionBar {
    public CharSequence title, subtitle = ""; public int icon; public boolean home;
    public void setTitle(CharSequence to) { title = to; }
    public void setSubtitle(CharSequence to) { subtitle = to; }
    public void setIcon(int to) { icon = to; }
    public void setDisplayShowHomeEnabled(boolean to) { home = to; }
}

package android.app;
import android.content.Intent;
public class Activity extends android.content.Context {
    private final ActionBar bar = new ActionBar();
    public android.view.View content; public Intent intent = new Intent(null, null); public boolean behind, finished;
    protected void onCreate(android.os.Bundle saved) { }
    protected void onNewIntent(Intent intent) { }
    protected void onResume() { }
    protected void onDestroy() { }
    protected void onActivityResult(int request, int result, Intent data) { }
    public void onUserInteraction() { }
    public void onBackPressed() { finished = true; }
    public boolean onCreateOptionsMenu(android.view.Menu menu) { return true; }
    public boolean onOptionsItemSelected(android.view.MenuItem item) { return false; }
    public void setContentView(int layout) { content = getLayoutInflater().inflate(layout, null); }
    public android.view.View findViewById(int id) { return content.findViewById(id); }
    public android.view.LayoutInflater getLayoutInflater() { return new android.view.LayoutInflater(); }
    public ActionBar getActionBar() { return bar; }
    public Intent getIntent() { return intent; }
    public void invalidateOptionsMenu() { }
    public boolean moveTaskToBack(boolean any) { behind = true; return true; }
    public void startActivity(Intent what) { stand_in.Main.say("outside " + what.getDataString()); }
    public void startActivityForResult(Intent what, int request) { throw new android.content.ActivityNotFoundException(); }
}

package android.app;
import android.content.DialogInterface;
public class AlertDialog implements DialogInterface {
    public static AlertDialog seen;
    public CharSequence title, message; public android.view.View view; public DialogInterface.OnClickListener yes;
    private final android.view.Window window = new android.view.Window();
    public android.view.Window getWindow() { return window; }
    public void setCanceledOnTouchOutside(boolean to) { }
    public void show() { seen = this; }
    public void dismiss() { if (seen == this) seen = null; }
    public void press() { seen = null; yes.onClick(this, -1); }
    public static class Builder {
        private final AlertDialog made = new AlertDialog();
        public Builder(android.content.Context context) { }
        public Builder setTitle(CharSequence to) { made.title = to; return this; }
        public Builder setMessage(CharSequence to) { made.message = to; return this; }
        public Builder setView(android.view.View to) { made.view = to; return this; }
        public Builder setPositiveButton(CharSequence text, DialogInterface.OnClickListener to) { made.yes = to; return this; }
        public Builder setNegativeButton(CharSequence text, DialogInterface.OnClickListener to) { return this; }
        public AlertDialog create() { return made; }
        public AlertDialog show() { made.show(); return made; }
    }
}

package android.content;
public class ActivityNotFoundException extends RuntimeException { }

package android.content;
public class Context {
    public android.content.res.Resources getResources() { return new android.content.res.Resources(); }
    public String getPackageName() { return "org.keyplate.app"; }
    public String getString(int id) { return stand_in.Main.text(id); }
    public android.content.pm.ApplicationInfo getApplicationInfo() { return new android.content.pm.ApplicationInfo(); }
    public java.io.File getFilesDir() { return new java.io.File(System.getProperty("files")); }
}

package android.content;
public interface DialogInterface {
    interface OnClickListener { void onClick(DialogInterface dialog, int which); }
}

package android.content;
public class Intent {
    private final android.net.Uri data;
    public Intent(String action, android.net.Uri data) { this.data = data; }
    public String getDataString() { return data == null ? null : data.toString(); }
}

package android.content.pm;
public class ApplicationInfo { public String nativeLibraryDir = System.getProperty("lib"); }

package android.content.res;
public class Resources {
    public int getIdentifier(String name, String type, String from) { return stand_in.Main.number(type + "/" + name); }
}

package android.net;
public class Uri {
    private final String text;
    public Uri(String text) { this.text = text; }
    public String getScheme() { int at = text.indexOf(':'); return at < 0 ? null : text.substring(0, at); }
    public String toString() { return text; }
}

package android.os;
public class Bundle { }

package android.os;
public class Handler {
    public Handler(Looper looper) { }
    public void handleMessage(Message message) { }
    public Message obtainMessage(int what, Object obj) { Message made = new Message(); made.to = this; made.obj = obj; return made; }
    public boolean postDelayed(Runnable what, long ms) { return true; }
    public void removeCallbacksAndMessages(Object token) { }
}

package android.os;
public class Looper { public static Looper getMainLooper() { return null; } }

package android.os;
public class Message {
    public Object obj; public Handler to;
    public void sendToTarget() { stand_in.Main.later(() -> to.handleMessage(this)); }
}

package android.os;
public class SystemClock {
    public static long slept;
    public static long elapsedRealtime() { return System.nanoTime() / 1000000 + slept; }
}

package android.system;
public class Os {
    public static void chmod(String path, int mode) {
        if (mode != 0700) throw new IllegalArgumentException();
        try {
            java.nio.file.Files.setPosixFilePermissions(java.nio.file.Path.of(path),
                java.nio.file.attribute.PosixFilePermissions.fromString("rwx------"));
        } catch (java.io.IOException e) { throw new java.io.UncheckedIOException(e); }
    }
}

package android.view;
public class LayoutInflater {
    public View inflate(int layout, ViewGroup into) { return stand_in.Main.inflate(layout); }
}

package android.view;
public interface Menu { MenuItem add(int group, int id, int order, CharSequence title); }

package android.view;
public interface MenuItem { int getItemId(); void setShowAsAction(int how); }

package android.view;
public class View {
    public int id, visibility; public OnClickListener listener; public java.util.List<View> children = new java.util.ArrayList<>();
    public View findViewById(int wanted) {
        if (id == wanted) return this;
        for (View child : children) { View found = child.findViewById(wanted); if (found != null) return found; }
        return null;
    }
    public void setVisibility(int to) { visibility = to; }
    public void setOnClickListener(OnClickListener to) { listener = to; }
    public void setImportantForAutofill(int to) { if (to != 8) throw new IllegalArgumentException(); }
    public interface OnClickListener { void onClick(View view); }
}

package android.view;
public class ViewGroup extends View {
    public void addView(View view) { children.add(view); }
    public void removeView(View view) { children.remove(view); }
}

package android.view;
public class Window { public int flags; public void setFlags(int flags, int mask) { this.flags = flags & mask; } }

package android.webkit;
public class CookieManager {
    private static final CookieManager one = new CookieManager();
    public static CookieManager getInstance() { return one; }
    public void setAcceptCookie(boolean to) { }
    public void setAcceptThirdPartyCookies(WebView view, boolean to) { if (to) throw new IllegalArgumentException(); }
    public void removeAllCookies(ValueCallback<Boolean> done) { stand_in.Main.say("cookies gone"); }
    public void flush() { }
}

package android.webkit;
public interface DownloadListener { void onDownloadStart(String url, String agent, String disposition, String type, long len); }

package android.webkit;
public class RenderProcessGoneDetail { }

package android.webkit;
public interface ValueCallback<T> { void onReceiveValue(T value); }

package android.webkit;
public class WebChromeClient {
    public boolean onShowFileChooser(WebView view, ValueCallback<android.net.Uri[]> to, FileChooserParams params) { return false; }
    public static abstract class FileChooserParams {
        public abstract android.content.Intent createIntent();
        public static android.net.Uri[] parseResult(int result, android.content.Intent data) { return null; }
    }
}

package android.webkit;
public interface WebResourceRequest { android.net.Uri getUrl(); boolean isForMainFrame(); boolean hasGesture(); }

package android.webkit;
public class WebResourceResponse {
    public final int status;
    public WebResourceResponse(String type, String charset, int status, String reason, java.util.Map<String, String> fields,
                               java.io.InputStream data) { this.status = status; }
}

package android.webkit;
public class WebSettings {
    public final java.util.Map<String, Object> all = new java.util.TreeMap<>();
    public void setJavaScriptEnabled(boolean to) { all.put("scripts", to); }
    public void setDomStorageEnabled(boolean to) { all.put("storage", to); }
    public void setUseWideViewPort(boolean to) { }
    public void setLoadWithOverviewMode(boolean to) { }
    public void setBuiltInZoomControls(boolean to) { }
    public void setDisplayZoomControls(boolean to) { }
    public void setAllowFileAccess(boolean to) { all.put("files", to); }
    public void setAllowContentAccess(boolean to) { all.put("content", to); }
    public void setGeolocationEnabled(boolean to) { all.put("place", to); }
    public void setSupportMultipleWindows(boolean to) { all.put("windows", to); }
    public void setJavaScriptCanOpenWindowsAutomatically(boolean to) { all.put("opens", to); }
    public void setSaveFormData(boolean to) { all.put("forms", to); }
    public void setSafeBrowsingEnabled(boolean to) { all.put("reports", to); }
    public void setMixedContentMode(int to) { all.put("mixed", to); }
}

package android.webkit;
public class WebStorage {
    private static final WebStorage one = new WebStorage();
    public static WebStorage getInstance() { return one; }
    public void deleteAllData() { stand_in.Main.say("storage gone"); }
}

package android.webkit;
public class WebView extends android.view.ViewGroup {
    public static WebView seen; public static boolean canGoBack;
    private final WebSettings settings = new WebSettings();
    public WebViewClient client; public WebChromeClient chrome; public DownloadListener downloads;
    public WebView(android.content.Context context) { seen = this; }
    public WebSettings getSettings() { return settings; }
    public void setWebViewClient(WebViewClient to) { client = to; }
    public void setWebChromeClient(WebChromeClient to) { chrome = to; }
    public void setDownloadListener(DownloadListener to) { downloads = to; }
    public void loadUrl(String url) { stand_in.Main.say("load " + url); }
    public void stopLoading() { }
    public boolean canGoBack() { return canGoBack; }
    public void goBack() { stand_in.Main.say("went back"); }
    public void reload() { stand_in.Main.say("reloaded"); }
    public void clearHistory() { }
    public void clearCache(boolean disk) { stand_in.Main.say("cache gone " + disk); }
    public void clearFormData() { }
    public void destroy() { stand_in.Main.say("page gone"); seen = null; }
}

package android.webkit;
public class WebViewClient {
    public boolean shouldOverrideUrlLoading(WebView view, WebResourceRequest request) { return false; }
    public WebResourceResponse shouldInterceptRequest(WebView view, WebResourceRequest request) { return null; }
    public boolean onRenderProcessGone(WebView view, RenderProcessGoneDetail detail) { return false; }
}

package android.widget;
public class TextView extends android.view.View {
    private CharSequence text = "";
    public CharSequence getText() { return text; }
    public void setText(CharSequence to) { text = to == null ? "" : to; }
}

package android.widget;
public class Toast {
    private final CharSequence text;
    private Toast(CharSequence text) { this.text = text; }
    public static Toast makeText(android.content.Context context, CharSequence text, int length) { return new Toast(text); }
    public void show() { stand_in.Main.say("toast " + text); }
}

package stand_in;
import android.app.AlertDialog;
import android.view.View;
import android.widget.TextView;
import java.util.concurrent.LinkedBlockingQueue;
import org.w3c.dom.Element;
// The main thread: what is said to it on standard input, a person's act a line, and what comes from the
// gateway, one after the other.  After each it says what is seen.
public class Main {
    private static final LinkedBlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
    private static final java.util.List<String> names = new java.util.ArrayList<>(java.util.List.of("none"));
    private static final java.util.Map<String, String> texts = new java.util.HashMap<>();
    private static android.app.Activity app;
    private static String said = "";

    public static void later(Runnable what) { queue.add(what); }
    public static void say(String what) { System.out.println(what.replace('\n', ' ')); System.out.flush(); }
    public static int number(String name) {
        if (!names.contains(name)) names.add(name);
        return names.indexOf(name);
    }
    public static String text(int number) { return texts.get(names.get(number)); }

    private static Element parse(String path) {
        try {
            return javax.xml.parsers.DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(System.getProperty("res") + "/" + path).getDocumentElement();
        } catch (Exception e) { throw new RuntimeException(e); }
    }
    public static View inflate(int layout) { return build(parse(names.get(layout) + ".xml")); }
    private static View build(Element element) {
        String kind = element.getTagName(), id = element.getAttribute("android:id");
        View made = kind.matches("TextView|EditText|Button") ? new TextView()
            : kind.endsWith("Layout") || kind.equals("ScrollView") ? new android.view.ViewGroup() : null;
        if (id.startsWith("@+id/")) made.id = number("id/" + id.substring(5));
        if (element.getAttribute("android:visibility").equals("gone")) made.visibility = 8;
        for (var child = element.getFirstChild(); child != null; child = child.getNextSibling())
            if (child instanceof Element) made.children.add(build((Element)child));
        return made;
    }

    private static View find(View in, String name) { return in.findViewById(number("id/" + name)); }
    private static String read(View in, String name) { return ((TextView)find(in, name)).getText().toString(); }
    private static void sayWhatIsSeen() {
        StringBuilder out = new StringBuilder("seen");
        for (String name : new String[]{"page", "start", "wrong"})
            if (find(app.content, name).visibility == 0) out.append(" ").append(name);
        out.append(" | ").append(app.getActionBar().title).append(" | ").append(app.getActionBar().subtitle)
            .append(" | ").append(app.getActionBar().home ? names.get(app.getActionBar().icon) : "");
        if (find(app.content, "wrong").visibility == 0) out.append(" | ").append(read(app.content, "wrong_text"));
        if (find(app.content, "start").visibility == 0) out.append(" | ").append(read(app.content, "start_text"));
        AlertDialog box = AlertDialog.seen;
        if (box != null && box.view != null)
            out.append(" | box ").append(box.getWindow().flags).append(" ").append(read(box.view, "login_device"))
                .append(" ").append(read(box.view, "login_user")).append(" ").append(read(box.view, "login_password").length())
                .append(" ").append(read(box.view, "login_text"));
        else if (box != null)
            out.append(" | asks ").append(box.title).append(": ").append(box.message);
        if (app.behind) out.append(" | behind");
        if (app.finished) out.append(" | finished");
        if (!said.equals(out.toString())) say(said = out.toString());
    }

    private static android.webkit.WebResourceRequest request(String url, boolean main, boolean gesture) {
        return new android.webkit.WebResourceRequest() {
            public android.net.Uri getUrl() { return new android.net.Uri(url); }
            public boolean isForMainFrame() { return main; }
            public boolean hasGesture() { return gesture; }
        };
    }
    private static void call(String method) throws Exception {
        var found = app.getClass().getDeclaredMethod(method);
        found.setAccessible(true);
        found.invoke(app);
    }

    private static void act(String[] words) throws Exception {
        android.webkit.WebView web = android.webkit.WebView.seen;
        AlertDialog box = AlertDialog.seen;
        app.onUserInteraction();
        switch (words[0]) {
        case "fill":
            ((TextView)find(box.view, "login_" + words[1])).setText(words[2]);
            break;
        case "press": box.press(); break;
        case "button": find(app.content, words[1] + "_button").listener.onClick(null); break;
        case "menu":
            app.onOptionsItemSelected(new android.view.MenuItem() {
                public int getItemId() { return Integer.parseInt(words[1]); }
                public void setShowAsAction(int how) { }
            });
            break;
        case "follow":
            say("follows itself: " + !web.client.shouldOverrideUrlLoading(web, request(words[2], words[1].contains("m"), words[1].contains("g"))));
            break;
        case "load":
            var answer = web.client.shouldInterceptRequest(web, request(words[1], false, false));
            say("answer " + (answer == null ? "its own" : answer.status));
            break;
        case "settings": say("settings " + web.getSettings().all); break;
        case "download": web.downloads.onDownloadStart(null, null, null, null, 0); break;
        case "file":
            web.chrome.onShowFileChooser(web, chosen -> say("files " + chosen), new android.webkit.WebChromeClient.FileChooserParams() {
                public android.content.Intent createIntent() { return null; }
            });
            break;
        case "crash": web.client.onRenderProcessGone(web, null); break;
        case "link": app.getClass().getDeclaredMethod("onNewIntent", android.content.Intent.class); newIntent(words[1]); break;
        case "sleep": android.os.SystemClock.slept += Long.parseLong(words[1]); call("endIfIdle"); break;
        case "history": android.webkit.WebView.canGoBack = words[1].equals("yes"); break;
        case "back": app.onBackPressed(); break;
        case "end": call("onDestroy"); break;
        default: throw new IllegalArgumentException(words[0]);
        }
    }
    private static void newIntent(String link) throws Exception {
        var method = app.getClass().getDeclaredMethod("onNewIntent", android.content.Intent.class);
        method.setAccessible(true);
        method.invoke(app, new android.content.Intent(null, new android.net.Uri(link)));
    }

    private static void listen() {
        java.util.Scanner in = new java.util.Scanner(System.in, "UTF-8");
        while (in.hasNextLine()) {
            String[] words = in.nextLine().split("\t");
            later(() -> { try { act(words); say("done"); } catch (Exception e) { e.printStackTrace(); System.exit(1); } });
        }
        later(() -> System.exit(0));
    }

    public static void main(String[] args) throws Exception {
        var list = parse(System.getProperty("values") + "/strings.xml").getElementsByTagName("string");
        for (int i = 0; i < list.getLength(); i++) {
            Element one = (Element)list.item(i);
            texts.put("string/" + one.getAttribute("name"), one.getTextContent().replace("\\'", "'"));
        }
        // Each class is verified, also those that nothing here comes to.
        for (String name : System.getProperty("classes").split(",")) Class.forName(name);
        app = (android.app.Activity)Class.forName("org.keyplate.app.MainActivity").getDeclaredConstructor().newInstance();
        if (args.length > 0) app.intent = new android.content.Intent(null, new android.net.Uri(args[0]));
        var create = app.getClass().getDeclaredMethod("onCreate", android.os.Bundle.class);
        create.setAccessible(true);
        create.invoke(app, (Object)null);
        sayWhatIsSeen();
        Thread reader = new Thread(Main::listen);
        reader.setDaemon(true);
        reader.start();
        while (true) { queue.take().run(); sayWhatIsSeen(); }
    }
}
