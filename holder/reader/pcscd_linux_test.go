package reader_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tegata/holder/card/cardtest"
	"tegata/holder/reader"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// slot is where the vpcd driver of Debian's pcscd waits for a card.
const slot = "127.0.0.1:35963"

// TestStrangersUseTheCard is the proof that programs nobody here wrote take the
// card for one: Debian's pcscd with the vpcd driver, OpenSC and OpenSSL. It runs
// in namespaces of its own, since the driver listens on every interface.
func TestStrangersUseTheCard(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		made := cardtest.New(t, cardtest.Options{})
		startPCSCD(t)
		takeAway := insertSystem(t, made.Card)
		s := stranger{t: t, dir: t.TempDir(), made: made}
		t.Run("opensc-tool knows the card by its ATR and by its name", s.recognised)
		t.Run("pkcs15-tool lists it", s.listed)
		t.Run("pkcs15-tool counts its tries", s.counted)
		t.Run("pkcs15-tool reads its certificates", s.read)
		t.Run("pkcs11-tool signs with both keys", s.signed)
		t.Run("pkcs15-crypt signs a hash", s.signedHash)
		t.Run("openssl signs a CMS through PKCS #11", s.cms)
		t.Run("a wrong PIN costs a try, and three block", s.blocked)
		t.Run("taking the card away empties the slot", func(t *testing.T) {
			if err := takeAway(); err != nil {
				t.Error(err)
			}
			s.until("0 +No", "opensc-tool", "-l")
		})
		t.Run("a phone in compatibility mode is taken for the card", func(t *testing.T) {
			p := cardtest.NewPhone(t)
			takeAway := insertSystem(t, p.Card)
			s := stranger{t: t, dir: t.TempDir()}
			says(t, s.must(t, "opensc-tool", "-r", "0", "-n"), "(?i)jpki")
			s.must(t, "pkcs15-tool", "-r", "0", "--verify-pin", "--auth-id", "01", "--pin", "8642", "--read-certificate", "01", "-o", s.file("auth.pem"))
			s.compatible(t, p)
			if err := takeAway(); err != nil {
				t.Error(err)
			}
		})
	})
}

// inNamespace runs body in a process of this test binary that has a network, a
// mount table and a /run/pcscd of its own.
func inNamespace(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	const marker = "TEGATA_IN_NAMESPACE"
	if os.Getenv(marker) == t.Name() {
		if out, err := exec.Command(pkitest.Tool(t, "ip"), "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := os.MkdirAll("/run/pcscd", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", "/run/pcscd", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		body(t)
		return
	}
	for _, tool := range []string{"unshare", "ip", "pcscd", "opensc-tool", "pkcs15-tool", "pkcs15-crypt", "pkcs11-tool", "openssl"} {
		pkitest.Tool(t, tool)
	}
	args := []string{"-mn", os.Args[0], "-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=2m"}
	if os.Getuid() != 0 {
		args = append([]string{"-r"}, args...) // a user namespace, where it is allowed
	}
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), marker+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("inside:\n%s", out)
	if err != nil {
		t.Error(err)
	}
}

// startPCSCD starts the system's smart card service and waits until it lists the
// virtual reader.
func startPCSCD(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(pkitest.Tool(t, "pcscd"), "--foreground")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("pcscd:\n%s", log.Bytes())
		}
	})
	s := stranger{t: t}
	s.until("Virtual PCD 00 00", "opensc-tool", "-l")
}

// insertSystem holds a token to the first slot of the system's virtual reader.
func insertSystem(t *testing.T, token reader.Token) (takeAway func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- reader.Insert(ctx, slot, token) }()
	s := stranger{t: t}
	s.until(`0 +Yes`, "opensc-tool", "-l")
	return func() error { cancel(); return <-done }
}

// stranger is somebody with Debian's programs and the card's secrets.
type stranger struct {
	t    *testing.T
	dir  string
	made *cardtest.Made
}

// module is OpenSC's PKCS #11 library.
func module(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/opensc-pkcs11.so")
	if err != nil || len(found) == 0 {
		t.Fatal("opensc-pkcs11 is not installed; `make test` installs it")
	}
	return found[0]
}

// run runs a foreign program in dir and returns what it printed.
func (s stranger) run(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), env...)
	started := time.Now()
	out, err := cmd.CombinedOutput()
	fmt.Fprintf(t.Output(), "%s (%d ms)\n", name, time.Since(started).Milliseconds())
	return string(out), err
}

// must is run for programs that have to succeed; it returns what they printed.
func (s stranger) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := s.run(t, nil, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// until repeats a program until what it prints matches.
func (s stranger) until(pattern, name string, args ...string) {
	s.t.Helper()
	var out []byte
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		out, _ = exec.CommandContext(s.t.Context(), name, args...).CombinedOutput()
		if regexp.MustCompile(pattern).Match(out) {
			return
		}
	}
	s.t.Fatalf("%s never said %q; last:\n%s", name, pattern, out)
}

// says checks that out holds each of the patterns.
func says(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("%q is not in:\n%s", p, out)
		}
	}
}

func (s stranger) file(name string) string { return filepath.Join(s.dir, name) }

func (s stranger) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(s.file(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return s.file(name)
}

func (s stranger) public(t *testing.T, kind pki.Kind) *rsa.PublicKey {
	t.Helper()
	public, err := s.made.Card.PublicKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func (s stranger) recognised(t *testing.T) {
	says(t, s.must(t, "opensc-tool", "-r", "0", "-a"), "(?i)3b:e0:00:ff:81:31:fe:45:14")
	says(t, s.must(t, "opensc-tool", "-r", "0", "-n"), "(?i)jpki")
}

func (s stranger) listed(t *testing.T) {
	// Some 70 commands, at 40 ms each if ours were acknowledged late. The best of
	// three, so that a busy machine is not taken for that.
	best, out := time.Hour, ""
	for range 3 {
		started := time.Now()
		out = s.must(t, "pkcs15-tool", "-r", "0", "--dump")
		best = min(best, time.Since(started))
	}
	if best > 2*time.Second {
		t.Errorf("a dump took %v: each command waits for an acknowledgement", best)
	}
	says(t, out, "JPKI", `PIN \[User Authentication PIN\]`, `PIN \[Digital Signature PIN\]`,
		`Private RSA Key \[User Authentication Key\]`, `Private RSA Key \[Digital Signature Key\]`,
		`X.509 Certificate \[User Authentication Certificate\]`, `X.509 Certificate \[Digital Signature Certificate\]`)
	says(t, s.must(t, "pkcs15-tool", "-r", "0", "--list-certificates"), "ID +: 01", "ID +: 02", "ID +: 03", "ID +: 04")
	says(t, s.must(t, "pkcs11-tool", "--module", module(t), "-L"), "User Authentication PIN", "Digital Signature PIN")
}

func (s stranger) counted(t *testing.T) {
	says(t, s.must(t, "pkcs15-tool", "-r", "0", "--list-pins"), "Tries left +: 3", "Tries left +: 5")
	// Counting costs nothing.
	says(t, s.must(t, "pkcs15-tool", "-r", "0", "--list-pins"), "Tries left +: 3", "Tries left +: 5")
}

func (s stranger) read(t *testing.T) {
	for _, test := range []struct {
		id   string
		want []byte
		args []string
	}{
		{"01", s.made.Certificates[pki.CardAuth], nil},
		{"03", s.made.Authorities[pki.CardAuth], nil},
		{"04", s.made.Authorities[pki.CardSign], nil},
		{"02", s.made.Certificates[pki.CardSign], []string{"--verify-pin", "--auth-id", "02", "--pin", "TEGATA2357"}},
	} {
		out := s.file("cert" + test.id + ".pem")
		s.must(t, "pkcs15-tool", append(test.args, "-r", "0", "--read-certificate", test.id, "-o", out)...)
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		certificates, err := pki.ParsePEM(text)
		if err != nil || len(certificates) != 1 || !bytes.Equal(certificates[0].Raw, test.want) {
			t.Errorf("certificate %s: %v", test.id, err)
		}
	}
	s.must(t, "openssl", "verify", "-CAfile", s.file("cert03.pem"), s.file("cert01.pem"))
	s.must(t, "openssl", "verify", "-CAfile", s.file("cert04.pem"), s.file("cert02.pem"))
	if out, err := s.run(t, nil, "pkcs15-tool", "-r", "0", "--read-certificate", "02"); err == nil {
		t.Errorf("the signature certificate was read without its password:\n%s", out)
	}
}

func (s stranger) signed(t *testing.T) {
	in := s.write(t, "m", []byte("申請書\n"))
	for _, key := range []struct {
		slot, pin, id string
		kind          pki.Kind
	}{{"0", "1357", "01", pki.CardAuth}, {"1", "TEGATA2357", "02", pki.CardSign}} {
		der, err := x509.MarshalPKIXPublicKey(s.public(t, key.kind))
		if err != nil {
			t.Fatal(err)
		}
		public := s.write(t, "public"+key.id, der)
		for _, hash := range []string{"1", "256", "384", "512"} {
			sig := s.file("s" + key.id + hash)
			s.must(t, "pkcs11-tool", "--module", module(t), "--slot", key.slot, "--login", "--pin", key.pin,
				"--sign", "-m", "SHA"+hash+"-RSA-PKCS", "--id", key.id, "-i", in, "-o", sig)
			if hash == "1" {
				hash = "sha1"
			} else {
				hash = "sha" + hash
			}
			says(t, s.must(t, "openssl", "dgst", "-"+hash, "-keyform", "DER", "-verify", public, "-signature", sig, in), "Verified OK")
		}
	}
}

func (s stranger) signedHash(t *testing.T) {
	digest := sha256.Sum256([]byte("hash"))
	in, out := s.write(t, "hash", digest[:]), s.file("hash.sig")
	s.must(t, "pkcs15-crypt", "-r", "0", "-s", "-k", "01", "--sha-256", "--pkcs1", "-p", "1357", "-i", in, "-o", out, "-R")
	sig, err := os.ReadFile(out)
	if err != nil || rsa.VerifyPKCS1v15(s.public(t, pki.CardAuth), crypto.SHA256, digest[:], sig) != nil {
		t.Errorf("signature: %v", err)
	}
}

func (s stranger) cms(t *testing.T) {
	// The engine would ask at the terminal for the PIN that each signature with
	// this key wants anew; the card program may repeat it.
	opensc := s.write(t, "opensc.conf", []byte("app default {\n framework pkcs15 {\n  pin_cache_ignore_user_consent = true;\n }\n}\n"))
	engine := s.write(t, "engine.cnf", []byte(strings.Join([]string{
		"openssl_conf = init", "[init]", "engines = engines", "[engines]", "pkcs11 = pkcs11", "[pkcs11]",
		"engine_id = pkcs11", "MODULE_PATH = " + module(t), "init = 0", ""}, "\n")))
	env := []string{"OPENSC_CONF=" + opensc, "OPENSSL_CONF=" + engine}
	in, out := s.write(t, "d", []byte("申請の本文\n")), s.file("d.p7s")
	key := "pkcs11:token=JPKI%20%28Digital%20Signature%20PIN%29;id=%02;type=private;pin-value=TEGATA2357"
	if text, err := s.run(t, env, "openssl", "cms", "-sign", "-binary", "-nodetach", "-md", "sha256", "-in", in,
		"-signer", s.file("cert02.pem"), "-engine", "pkcs11", "-keyform", "engine", "-inkey", key, "-outform", "DER", "-out", out); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	// The signature certificate is for e-mail as OpenSSL sees it: its own purpose.
	s.must(t, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", out, "-CAfile", s.file("cert04.pem"), "-out", s.file("d2"))
	got, err := os.ReadFile(s.file("d2"))
	if err != nil || string(got) != "申請の本文\n" {
		t.Errorf("content %q, %v", got, err)
	}
	if out, err := s.run(t, nil, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", out, "-CAfile", s.file("cert03.pem"), "-out", s.file("d3")); err == nil {
		t.Errorf("accepted under another authority:\n%s", out)
	}
	// In the form CAdES the card's signature is one that Tegata reads, strict as it is.
	cades := s.file("cades.p7s")
	if text, err := s.run(t, env, "openssl", "cms", "-sign", "-cades", "-binary", "-md", "sha256", "-in", in,
		"-signer", s.file("cert02.pem"), "-engine", "pkcs11", "-keyform", "engine", "-inkey", key, "-outform", "DER", "-out", cades); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	der, err := os.ReadFile(cades)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := cms.Verify(der, []byte("申請の本文\n"))
	if err != nil || !signed.Detached || signed.Digest != crypto.SHA256 {
		t.Errorf("%+v, %v", signed, err)
	}
}

func (s stranger) blocked(t *testing.T) {
	for left := 2; left >= 0; left-- {
		if out, err := s.run(t, nil, "pkcs15-tool", "-r", "0", "--verify-pin", "--auth-id", "01", "--pin", "2468"); err == nil {
			t.Fatalf("a wrong PIN was taken:\n%s", out)
		}
		says(t, s.must(t, "pkcs15-tool", "-r", "0", "--list-pins"), fmt.Sprintf("Tries left +: %d", left))
	}
	if out, err := s.run(t, nil, "pkcs15-tool", "-r", "0", "--verify-pin", "--auth-id", "01", "--pin", "1357"); err == nil {
		t.Fatalf("a blocked PIN was taken:\n%s", out)
	}
	if n := s.made.Card.TriesLeft(pki.CardAuth); n != 0 {
		t.Errorf("%d tries left", n)
	}
}

// compatible signs with a phone's authentication key as with a card's, as often
// as the phone allows.
func (s stranger) compatible(t *testing.T, p *cardtest.Phone) {
	public, err := p.Inside.PublicKey(pki.PhoneAuth)
	if err != nil {
		t.Fatal(err)
	}
	in := s.write(t, "m", []byte("照会\n"))
	sign := []string{"--module", module(t), "--slot", "0", "--login", "--pin", p.Code,
		"--sign", "-m", "SHA256-RSA-PKCS", "--id", "01", "-i", in, "-o", s.file("s")}
	for range 3 {
		s.must(t, "pkcs11-tool", sign...)
		digest := sha256.Sum256([]byte("照会\n"))
		sig, err := os.ReadFile(s.file("s"))
		if err != nil || rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig) != nil {
			t.Errorf("signature: %v", err)
		}
	}
	if out, err := s.run(t, nil, "pkcs11-tool", sign...); err == nil {
		t.Errorf("a fourth signature was made:\n%s", out)
	}
}
