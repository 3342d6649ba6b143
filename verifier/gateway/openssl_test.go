package gateway_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
)

// The gateway knows nothing of our issuer: here its place is taken by what every
// system has, `openssl ocsp` and `openssl ca -gencrl` with a static file server,
// and every attack and verdict comes out the same.

// desk is the directory of one authority as openssl keeps it.
type desk struct {
	dir       string
	authority *pkitest.Authority
}

func newDesk(t *testing.T, w *world, a *pkitest.Authority) desk {
	t.Helper()
	d := desk{t.TempDir(), a}
	d.pem(t, "ca.pem", "CERTIFICATE", a.Cert.Raw)
	key, err := x509.MarshalPKCS8PrivateKey(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	d.pem(t, "ca.key", "PRIVATE KEY", key)
	var index strings.Builder
	line := func(c *x509.Certificate, s feed.Status) {
		if c.CheckSignatureFrom(a.Cert) != nil {
			return
		}
		state, revoked, when := "V", "", w.Now().Add(-time.Hour).Format("060102150405Z")
		switch s {
		case feed.Revoked:
			state, revoked = "R", when+",keyCompromise"
		case feed.Held:
			state, revoked = "R", when+",holdInstruction,holdInstructionReject"
		}
		fmt.Fprintf(&index, "%s\t%s\t%s\t%X\tunknown\t/CN=x\n", state, c.NotAfter.Format("060102150405Z"), revoked, c.SerialNumber)
	}
	for name, s := range states {
		line(w.holders[name].auth[0], s)
		line(w.holders[name].sign[0], s)
	}
	for _, p := range []actor{w.portal, w.bank, w.ghost} {
		line(p.chain[0], feed.Good)
	}
	line(w.ended.chain[0], feed.Revoked)
	d.write(t, "index.txt", index.String())
	d.write(t, "index.txt.attr", "unique_subject = no\n")
	d.write(t, "crlnumber", "01\n")
	d.write(t, "ca.cnf", `[ca]
default_ca = x
[x]
database = `+d.path("index.txt")+`
crlnumber = `+d.path("crlnumber")+`
default_md = sha256
crl_extensions = e
[e]
authorityKeyIdentifier = keyid
`)
	return d
}

func (d desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d desk) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d desk) pem(t *testing.T, name, kind string, der []byte) {
	d.write(t, name, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// ocsp starts openssl's responder.
func (d desk) ocsp(t *testing.T) certpath.StatusSource {
	t.Helper()
	cmd := exec.Command(pkitest.Tool(t, "openssl"), "ocsp", "-index", d.path("index.txt"), "-port", "0", "-CA", d.path("ca.pem"),
		"-rsigner", d.path("ca.pem"), "-rkey", d.path("ca.key"), "-nmin", "30")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n') // "ACCEPT [::]:43891 PID=22415"
	if err != nil {
		t.Fatalf("openssl ocsp did not start: %v", err)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "ACCEPT "), " ")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatalf("openssl ocsp says %q", line)
	}
	return certpath.OCSP{URL: "http://127.0.0.1:" + port}
}

// crl has openssl write a CRL and serves it as a file.
func (d desk) crl(t *testing.T, w *world) certpath.StatusSource {
	t.Helper()
	public := t.TempDir()
	out, err := exec.Command(pkitest.Tool(t, "openssl"), "ca", "-config", d.path("ca.cnf"), "-gencrl", "-keyfile", d.path("ca.key"),
		"-cert", d.path("ca.pem"), "-crldays", "1", "-out", d.path("crl.pem")).CombinedOutput()
	if err == nil {
		out, err = exec.Command(pkitest.Tool(t, "openssl"), "crl", "-in", d.path("crl.pem"), "-outform", "DER", "-out", filepath.Join(public, "all.crl")).CombinedOutput()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := httptest.NewServer(http.FileServer(http.Dir(public)))
	t.Cleanup(files.Close)
	return &certpath.CRL{Locate: func(*x509.Certificate) string { return files.URL + "/all.crl" }, Marks: w.config.Store}
}

// byIssuer asks the source of the authority that issued the certificate.
type byIssuer map[*pkitest.Authority]certpath.StatusSource

func (b byIssuer) Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (certpath.Status, error) {
	for a, s := range b {
		if a.Cert.Equal(issuer) {
			return s.Status(ctx, cert, issuer, at)
		}
	}
	return certpath.Status{}, certpath.ErrNoStatus
}

// bareWorld is a world without our issuer.
func bareWorld(t *testing.T, source func(t *testing.T, d desk, w *world) certpath.StatusSource) *world {
	t.Helper()
	w := newWorld(t, sqliteFor(t))
	sources := byIssuer{}
	for _, a := range []*pkitest.Authority{w.ops, w.auth, w.sign} {
		sources[a] = source(t, newDesk(t, w, a), w)
	}
	w.config.Status = sources
	return w.open()
}

func TestWithoutOurIssuer(t *testing.T) {
	for name, source := range map[string]func(t *testing.T, d desk, w *world) certpath.StatusSource{
		"openssl ocsp":       func(t *testing.T, d desk, _ *world) certpath.StatusSource { return d.ocsp(t) },
		"openssl ca -gencrl": func(t *testing.T, d desk, w *world) certpath.StatusSource { return d.crl(t, w) },
		"OCSP, then CRL": func(t *testing.T, d desk, w *world) certpath.StatusSource {
			return certpath.InOrder(silent{}, d.crl(t, w))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := bareWorld(t, source)
			t.Run("a login", func(t *testing.T) {
				started := w.must()
				taken, err := w.mustFetch(started.RequestURI).answer("good")
				if err != nil {
					t.Fatal(err)
				}
				r, err := w.result(w.portal, started, codeIn(t, taken.Redirect))
				if err != nil || r.Verdict != ceremony.Passed || r.Sub == "" {
					t.Fatalf("%+v, %v", r, err)
				}
				m, err := ceremony.ParseReceipt(r.Receipt)
				if err != nil || m.Unverified().StatusSource == "feed" {
					t.Errorf("%+v, %v", m.Unverified(), err)
				}
			})
			t.Run("R3 needs 48 hours when nobody says since when the pair is good", func(t *testing.T) {
				if _, err := w.mustFetch(w.must(moving).RequestURI).answer("good", withPassword); err != nil {
					t.Error(err)
				}
			})
			t.Run("attributes cannot be asked for", func(t *testing.T) {
				_, err := w.start(w.portal, w.ask(func(r *ceremony.Request) { r.Claims = []string{"name"} }))
				wantCode(t, err, "kind-not-supported")
			})
			t.Run("verdicts", func(t *testing.T) { verdicts(t, w, "revoked", "held") })
			t.Run("requests", func(t *testing.T) { requests(t, w) })
			t.Run("attacks", func(t *testing.T) {
				if name == "openssl ocsp" {
					t.Run("a certificate that no ledger knows", func(t *testing.T) {
						_, err := w.mustFetch(w.must().RequestURI).answer("unknown")
						if p := wantCode(t, err, "status-unknown"); p.Kind != problem.CouldNotCheck {
							t.Errorf("told as %s", p.Kind)
						}
					})
				}
				attacks(t, w)
			})
		})
	}
}

// silent is a responder that cannot be reached.
type silent struct{}

func (silent) Status(context.Context, *x509.Certificate, *x509.Certificate, time.Time) (certpath.Status, error) {
	return certpath.Status{}, certpath.ErrNoStatus
}

func TestNobodyToAskIsNoGood(t *testing.T) {
	w := newWorld(t, sqliteFor(t))
	dead := httptest.NewServer(nil)
	dead.Close()
	w.config.Status = certpath.InOrder(certpath.OCSP{URL: dead.URL}, &certpath.CRL{Locate: func(*x509.Certificate) string { return dead.URL }})
	w.open()
	_, err := w.start(w.portal, w.ask())
	wantCode(t, err, "status-unavailable")
}
