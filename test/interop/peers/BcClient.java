import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.security.SecureRandom;
import java.util.Hashtable;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsSRPIdentity;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.SRPTlsClient;
import org.bouncycastle.tls.SecurityParameters;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsExtensionsUtils;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;

/**
 * A TLS-SRP client on BouncyCastle, for the interop tests: stdin is sent, the answer goes to
 * stdout, and one line on stderr says what was negotiated or which alert ended it, in the words of
 * libssl_client. Exit status as there too: 0 done, 1 failed, 2 usage, 4 alert received, 5 sent.
 */
public final class BcClient extends SRPTlsClient {
    private static final int FAILED = 1;
    private static final int USAGE = 2;
    private static final int ALERT_RECEIVED = 4;
    private static final int ALERT_SENT = 5;
    private static final int NO_ALERT = -1;

    private final boolean ems;
    private final boolean etm;
    private int alertSent = NO_ALERT;
    private int alertReceived = NO_ALERT;

    private BcClient(String user, String password, boolean ems, boolean etm) {
        super(new BcTlsCrypto(new SecureRandom()), new BasicTlsSRPIdentity(user, password));
        this.ems = ems;
        this.etm = etm;
    }

    /** SRPTlsClient offers the suites with certificates only. */
    @Override
    protected int[] getSupportedCipherSuites() {
        return new int[] {CipherSuite.TLS_SRP_SHA_WITH_AES_256_CBC_SHA,
                          CipherSuite.TLS_SRP_SHA_WITH_AES_128_CBC_SHA};
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return ProtocolVersion.TLSv12.only();
    }

    @Override
    public boolean shouldUseExtendedMasterSecret() {
        return ems;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Hashtable getClientExtensions() throws IOException {
        Hashtable extensions = super.getClientExtensions();
        if (!etm) {
            extensions.remove(TlsExtensionsUtils.EXT_encrypt_then_mac);
        }
        return extensions;
    }

    @Override
    public TlsAuthentication getAuthentication() throws IOException {
        throw new TlsFatalAlert(AlertDescription.internal_error);
    }

    @Override
    public void notifyHandshakeComplete() throws IOException {
        super.notifyHandshakeComplete();
        SecurityParameters p = context.getSecurityParametersConnection();
        System.err.printf("connected protocol=%s cipher=%04X ems=%d etm=%d resumed=%d%n",
                p.getNegotiatedVersion().getName().replace(" ", "v"), p.getCipherSuite(),
                p.isExtendedMasterSecret() ? 1 : 0, p.isEncryptThenMAC() ? 1 : 0,
                p.isResumedSession() ? 1 : 0);
    }

    @Override
    public void notifyAlertRaised(short level, short description, String message, Throwable cause) {
        if (description != AlertDescription.close_notify) {
            alertSent = description;
        }
    }

    @Override
    public void notifyAlertReceived(short level, short description) {
        if (description != AlertDescription.close_notify) {
            alertReceived = description;
        }
    }

    private static String number(int alert) {
        return alert == NO_ALERT ? "none" : Integer.toString(alert);
    }

    private int report(IOException e) {
        System.err.printf("failed alert_sent=%s alert_received=%s reason=%s%n", number(alertSent),
                number(alertReceived), e);
        if (alertReceived != NO_ALERT) {
            return ALERT_RECEIVED;
        }
        return alertSent != NO_ALERT ? ALERT_SENT : FAILED;
    }

    /** Sends stdin. Its end is not sent on: some servers cut their answer after a close_notify. */
    private static void sendInput(OutputStream to) {
        try {
            System.in.transferTo(to);
            to.flush();
        } catch (IOException e) {
            System.err.println("sending ended: " + e);
        }
    }

    private int talk(String host, int port) {
        try (Socket socket = new Socket(host, port)) {
            TlsClientProtocol tls =
                    new TlsClientProtocol(socket.getInputStream(), socket.getOutputStream());
            tls.connect(this);
            Thread sender = new Thread(() -> sendInput(tls.getOutputStream()));
            sender.setDaemon(true);
            sender.start();
            InputStream from = tls.getInputStream();
            from.transferTo(System.out);
            System.out.flush();
            return 0;
        } catch (IOException e) {
            return report(e);
        }
    }

    public static void main(String[] args) {
        String address = null;
        String user = null;
        String password = null;
        boolean ems = true;
        boolean etm = true;
        for (int i = 0; i < args.length; i++) {
            boolean more = i + 1 < args.length;
            if (args[i].equals("--connect") && more) {
                address = args[++i];
            } else if (args[i].equals("--user") && more) {
                user = args[++i];
            } else if (args[i].equals("--password") && more) {
                password = args[++i];
            } else if (args[i].equals("--no-ems")) {
                ems = false;
            } else if (args[i].equals("--no-etm")) {
                etm = false;
            } else {
                address = null;
                break;
            }
        }
        if (address == null || user == null || password == null) {
            System.err.println("usage: BcClient --connect HOST:PORT --user U --password P"
                    + " [--no-ems] [--no-etm]");
            System.exit(USAGE);
        }
        int colon = address.lastIndexOf(':');
        System.exit(new BcClient(user, password, ems, etm)
                .talk(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))));
    }
}
