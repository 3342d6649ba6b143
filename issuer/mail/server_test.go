package mail_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// server is Debian's aiosmtpd, once with STARTTLS and once without.
type server struct {
	port, plain int
	small       int // takes mails of 100 bytes
	roots       *x509.CertPool
	box         string // a Maildir
}

func startServer(t *testing.T) *server {
	t.Helper()
	program := pkitest.Tool(t, "aiosmtpd")
	dir := t.TempDir()
	key := pkitest.ECKey(t)
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test mail server"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 1),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, text := range map[string][]byte{cert: pki.EncodePEM(der), keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{roots: x509.NewCertPool(), box: filepath.Join(dir, "box")}
	s.roots.AppendCertsFromPEM(pki.EncodePEM(der))
	run := func(options ...string) int {
		port := freePort(t)
		args := append([]string{"-n", "-l", "localhost:" + strconv.Itoa(port), "-c", "aiosmtpd.handlers.Mailbox"}, options...)
		cmd := exec.CommandContext(t.Context(), program, append(args, s.box)...)
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		for range 200 {
			if line, err := net.DialTimeout("tcp", "localhost:"+strconv.Itoa(port), time.Second); err == nil {
				line.Close()
				return port
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatal("the mail server does not answer")
		return 0
	}
	s.port, s.plain = run("--tlscert", cert, "--tlskey", keyFile), run()
	s.small = run("--tlscert", cert, "--tlskey", keyFile, "-s", "100")
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// arrived is a mail that the server took.
type arrived struct {
	mail.Header
	text string
}

func (s *server) mails(t *testing.T) []arrived {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.box, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []arrived
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m, err := mail.ReadMessage(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("Content-Transfer-Encoding"); got != "quoted-printable" {
			t.Fatalf("encoded as %q", got)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, arrived{m.Header, strings.ReplaceAll(string(text), "\r\n", "\n")})
	}
	return out
}
