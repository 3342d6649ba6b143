package certpath_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// responder runs `openssl ocsp` on a port of its own, as a stranger's authority
// would, with index as its database.
func responder(t *testing.T, a *pkitest.Authority, signerCert *x509.Certificate, signer crypto.Signer, index string) string {
	t.Helper()
	openssl := pkitest.Tool(t, "openssl")
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, "index.txt")
	if err := os.WriteFile(database, []byte(index), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(openssl, "ocsp", "-index", database, "-port", "0", "-CA", write("ca.pem", "CERTIFICATE", a.Cert.Raw),
		"-rsigner", write("responder.pem", "CERTIFICATE", signerCert.Raw), "-rkey", write("responder.key", "PRIVATE KEY", key), "-nmin", "5")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	// "ACCEPT [::]:43891 PID=22415". A connection that says nothing, opened to see
	// whether the port answers, makes openssl 3.0 spin.
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("openssl ocsp did not start: %v", err)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "ACCEPT "), " ")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatalf("openssl ocsp says %q", line)
	}
	return "http://127.0.0.1:" + port
}

// indexLine is one line of openssl's database.
func indexLine(c *x509.Certificate, state string) string {
	revoked := ""
	if state != "V" {
		revoked = now.Add(-time.Hour).Format("060102150405Z")
		if state == "H" {
			state, revoked = "R", revoked+",certificateHold"
		} else {
			revoked += ",keyCompromise"
		}
	}
	return fmt.Sprintf("%s\t%s\t%s\t%X\tunknown\t/CN=x\n", state, c.NotAfter.Format("060102150405Z"), revoked, c.SerialNumber)
}

func delegate(t *testing.T, a *pkitest.Authority, key crypto.Signer, use asn1.ObjectIdentifier, at time.Time) *x509.Certificate {
	noCheck := pkixNull(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5})
	return a.Issue(t, key.Public(), pkitest.Leaf{CN: "responder", ExtUsage: []asn1.ObjectIdentifier{use}, Extra: noCheck,
		NotBefore: at.Add(-24 * time.Hour), NotAfter: at.Add(24 * time.Hour)})
}

var ocspSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}

func TestAnswersOfOpenSSLsResponder(t *testing.T) {
	at := time.Now() // the foreign responder has its own clock
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), at)
	pub := pkitest.Key(t, 1).Public()
	good, revoked, held, never := a.Issue(t, pub, pkitest.Leaf{}), a.Issue(t, pub, pkitest.Leaf{}), a.Issue(t, pub, pkitest.Leaf{}), a.Issue(t, pub, pkitest.Leaf{})
	index := indexLine(good, "V") + indexLine(revoked, "R") + indexLine(held, "H")
	key := pkitest.ECKey(t)
	urls := map[string]string{
		"signed by a delegated responder": responder(t, a, delegate(t, a, key, ocspSigning, at), key, index),
		"signed by the authority itself":  responder(t, a, a.Cert, a.Key, index),
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			for _, sha1 := range []bool{true, false} {
				for _, c := range []struct {
					cert *x509.Certificate
					want certpath.State
				}{{good, certpath.Good}, {revoked, certpath.Revoked}, {held, certpath.Held}, {never, certpath.Unknown}} {
					s, err := certpath.OCSP{URL: url, SHA1: sha1}.Status(t.Context(), c.cert, a.Cert, at)
					if err != nil || s.State != c.want || s.Source != "ocsp" {
						t.Errorf("SHA-1 %v: got %+v, %v; want %s", sha1, s, err, c.want)
					}
				}
			}
			if _, err := (certpath.OCSP{URL: url}).Status(t.Context(), good, a.Cert, at.Add(10*time.Minute)); !errors.Is(err, certpath.ErrNoStatus) {
				t.Errorf("an answer of ten minutes ago, after its nextUpdate: %v", err)
			}
			if _, err := (certpath.OCSP{URL: url}).Status(t.Context(), good, a.Cert, at.Add(-10*time.Minute)); !errors.Is(err, certpath.ErrNoStatus) {
				t.Errorf("an answer from the future: %v", err)
			}
		})
	}
}

func TestWhoMaySignAnAnswer(t *testing.T) {
	at := time.Now()
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), at)
	twin := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 1), at) // same name, another key: a forged generation
	leaf := a.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{})
	key := pkitest.ECKey(t)
	clientAuth := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	late := a.Issue(t, key.Public(), pkitest.Leaf{CN: "responder", ExtUsage: []asn1.ObjectIdentifier{ocspSigning},
		Extra: pkixNull(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}), NotBefore: at.Add(-48 * time.Hour), NotAfter: at.Add(-24 * time.Hour)})
	unchecked := a.Issue(t, key.Public(), pkitest.Leaf{CN: "responder", ExtUsage: []asn1.ObjectIdentifier{ocspSigning}})
	cases := []struct {
		name   string
		cert   *x509.Certificate
		signer crypto.Signer
		want   string
	}{
		{"a person's certificate", delegate(t, a, key, clientAuth, at), key, "may not sign"},
		{"a responder of another key of the same name", delegate(t, twin, key, ocspSigning, at), key, "not from the issuer"},
		{"another key of the same name itself", twin.Cert, twin.Key, "not from the issuer"},
		{"an expired responder", late, key, "not valid at this time"},
		{"a responder that nobody could check", unchecked, key, "nocheck"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// -CA is the real authority, so that openssl answers about our certificate.
			url := responder(t, a, c.cert, c.signer, indexLine(leaf, "V"))
			_, err := certpath.OCSP{URL: url}.Status(t.Context(), leaf, a.Cert, at)
			if !errors.Is(err, certpath.ErrNoStatus) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestARecordedAnswerIsNoAnswer(t *testing.T) {
	at := time.Now()
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), at)
	leaf := a.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{})
	real := responder(t, a, a.Cert, a.Key, indexLine(leaf, "V"))
	var recorded []byte
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if recorded == nil {
			request, err := io.ReadAll(r.Body) // openssl's responder cannot read a body in chunks
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := http.Post(real, r.Header.Get("Content-Type"), bytes.NewReader(request))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			recorded, _ = io.ReadAll(resp.Body)
		}
		w.Write(recorded)
	}))
	defer relay.Close()
	o := certpath.OCSP{URL: relay.URL}
	if s, err := o.Status(t.Context(), leaf, a.Cert, at); err != nil || s.State != certpath.Good {
		t.Fatalf("got %+v, %v", s, err)
	}
	if _, err := o.Status(t.Context(), leaf, a.Cert, at); !errors.Is(err, certpath.ErrNoStatus) || !strings.Contains(err.Error(), "nonce") {
		t.Errorf("played back: %v", err)
	}
}

func TestAResponderThatMisbehaves(t *testing.T) {
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now)
	leaf := a.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{})
	for name, h := range map[string]http.HandlerFunc{
		"declines":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0x30, 3, 0x0A, 1, 3}) },
		"says nothing": func(http.ResponseWriter, *http.Request) {},
		"talks on":     func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte{0x30}, 65<<10)) },
		"fails":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(h)
			defer s.Close()
			if _, err := (certpath.OCSP{URL: s.URL}).Status(t.Context(), leaf, a.Cert, now); !errors.Is(err, certpath.ErrNoStatus) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := (certpath.OCSP{}).Status(t.Context(), leaf, a.Cert, now); !errors.Is(err, certpath.ErrNoStatus) {
		t.Errorf("a certificate without a responder: %v", err)
	}
}

// fixed is a source that always says the same.
type fixed struct {
	s   certpath.Status
	err error
}

func (f fixed) Status(context.Context, *x509.Certificate, *x509.Certificate, time.Time) (certpath.Status, error) {
	return f.s, f.err
}

func TestInOrderTheFirstThatKnowsDecides(t *testing.T) {
	silent := fixed{err: certpath.ErrNoStatus}
	unknown := fixed{s: certpath.Status{State: certpath.Unknown}}
	revoked := fixed{s: certpath.Status{State: certpath.Revoked}}
	good := fixed{s: certpath.Status{State: certpath.Good}}
	for _, c := range []struct {
		name    string
		sources []certpath.StatusSource
		want    certpath.State
		err     error
	}{
		{"the second stands in for a silent first", []certpath.StatusSource{silent, good}, certpath.Good, nil},
		{"revoked is final", []certpath.StatusSource{revoked, good}, certpath.Revoked, nil},
		{"all silent is silence", []certpath.StatusSource{silent, silent}, "", certpath.ErrNoStatus},
		{"unknown by all stays unknown", []certpath.StatusSource{silent, unknown}, certpath.Unknown, nil},
		{"no source at all", nil, "", certpath.ErrNoStatus},
	} {
		s, err := certpath.InOrder(c.sources...).Status(t.Context(), nil, nil, now)
		if s.State != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
	}
}
