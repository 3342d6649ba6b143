package status_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/issuer/status"
	"tegata/store/issuer/issuertest"
)

// run runs a foreign program and returns what it says; the test goes on when it
// fails, since some of these must.
func run(t *testing.T, tool string, args ...string) (string, error) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), pkitest.Tool(t, tool), args...).CombinedOutput()
	return string(output), err
}

// must runs a foreign program that must accept and say each of words.
func must(t *testing.T, words []string, tool string, args ...string) {
	t.Helper()
	output, err := run(t, tool, args...)
	if err != nil {
		t.Errorf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, output)
		return
	}
	for _, word := range words {
		if !strings.Contains(output, word) {
			t.Errorf("%s %s does not say %q:\n%s", tool, strings.Join(args, " "), word, output)
		}
	}
}

// scene is an issuer on the machine's own clock with a good, a held and a revoked
// certificate of one kind, and files of everything.
type scene struct {
	*issuertest.Issuer
	dir                 string
	authority           string
	good, held, revoked string
	goodCert            *x509.Certificate
}

func newScene(t *testing.T, kind pki.Kind) scene {
	t.Helper()
	// Half a minute ago: a foreign program's clock may not stand behind ours.
	i := issuertest.NewAt(t, time.Now().UTC().Add(-30*time.Second))
	s := scene{Issuer: i, dir: t.TempDir()}
	good, held, revoked := i.Issue(t, kind, 0, ""), i.Issue(t, kind, 1, status.Lost), i.Issue(t, kind, 2, "")
	i.Clock.Walk(time.Second)
	i.Apply(t, status.Change{Kind: kind, Serial: pki.SerialOf(revoked), Op: status.Revoke, Reason: status.Superseded})
	s.goodCert = good
	s.authority = s.file(t, "authority.pem", pki.EncodePEM(i.CA.Authority(kind).Raw))
	s.good = s.file(t, "good.pem", pki.EncodePEM(good.Raw))
	s.held = s.file(t, "held.pem", pki.EncodePEM(held.Raw))
	s.revoked = s.file(t, "revoked.pem", pki.EncodePEM(revoked.Raw))
	return s
}

func (s scene) file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSSLVerifiesEveryKind(t *testing.T) {
	i := issuertest.NewAt(t, time.Now().UTC().Add(-30*time.Second))
	dir := t.TempDir()
	bundle := filepath.Join(dir, "bundle.pem")
	if err := os.WriteFile(bundle, i.CA.Bundle(), 0o600); err != nil {
		t.Fatal(err)
	}
	for n, kind := range pki.Kinds() {
		leaf := filepath.Join(dir, string(kind)+".pem")
		if err := os.WriteFile(leaf, pki.EncodePEM(i.Issue(t, kind, n, "").Raw), 0o600); err != nil {
			t.Fatal(err)
		}
		policy := pki.SandboxArc().Policy(kind).String()
		must(t, []string{": OK"}, "openssl", "verify", "-x509_strict", "-policy", policy, "-explicit_policy", "-CAfile", bundle, leaf)
		must(t, []string{"Verified. The certificate is trusted."}, "certtool", "--verify", "--load-ca-certificate", bundle, "--infile", leaf)
		// What it is for, as OpenSSL understands it.
		for _, purpose := range []string{"smimesign", "sslclient", "sslserver", "crlsign"} {
			_, err := run(t, "openssl", "verify", "-CAfile", bundle, "-purpose", purpose, leaf)
			want := purpose == "smimesign" && kind.Signature() || purpose == "sslclient" && kind.Authentication()
			if (err == nil) != want {
				t.Errorf("%s for %s: accepted %t", kind, purpose, err == nil)
			}
		}
	}
}

func TestOpenSSLAsksByOCSP(t *testing.T) {
	for _, kind := range []pki.Kind{pki.PhoneAuth, pki.CardSign} {
		s := newScene(t, kind)
		for _, hash := range []string{"-sha1", "-sha256"} {
			for _, nonce := range []string{"-nonce", "-no_nonce"} {
				for file, words := range map[string][]string{
					s.good: {"Response verify OK", ": good"}, s.held: {"Response verify OK", ": revoked", "certificateHold"},
					s.revoked: {"Response verify OK", ": revoked", "superseded"},
				} {
					must(t, words, "openssl", "ocsp", "-url", s.URL+"/ocsp", "-CAfile", s.authority, hash, "-issuer", s.authority, "-cert", file, nonce)
				}
			}
			must(t, []string{"Response verify OK", ": unknown"}, "openssl", "ocsp", "-url", s.URL+"/ocsp", "-CAfile", s.authority, hash,
				"-issuer", s.authority, "-serial", "0x"+pki.RandomSerial().String())
		}
		// Several certificates in one request, as one answer.
		must(t, []string{"good.pem: good", "held.pem: revoked", "revoked.pem: revoked"}, "openssl", "ocsp", "-url", s.URL+"/ocsp", "-CAfile", s.authority,
			"-issuer", s.authority, "-cert", s.good, "-cert", s.held, "-cert", s.revoked)
		// No nonce is missing from an answer to a request that has one.
		output, err := run(t, "openssl", "ocsp", "-url", s.URL+"/ocsp", "-CAfile", s.authority, "-issuer", s.authority, "-cert", s.good, "-nonce")
		if err != nil || strings.Contains(output, "no nonce") {
			t.Errorf("%s: %v\n%s", kind, err, output)
		}
		// An answer got by GET is one too.
		q := query{ids: [][]byte{certID(s.CA.Authority(kind), s.goodCert.SerialNumber, crypto.SHA1)}}
		_, body := get(t, s.Issuer, "/ocsp/"+url.PathEscape(base64.StdEncoding.EncodeToString(q.der())))
		must(t, []string{"Response verify OK", ": good"}, "openssl", "ocsp", "-respin", s.file(t, "get.der", body), "-CAfile", s.authority,
			"-issuer", s.authority, "-cert", s.good)
		// Another authority's certificate does not make it verify.
		other := s.file(t, "other.pem", pki.EncodePEM(s.CA.Authority(pki.Ops).Raw))
		if output, err := run(t, "openssl", "ocsp", "-respin", s.file(t, "get.der", body), "-CAfile", other, "-issuer", other, "-cert", s.good); err == nil {
			t.Errorf("another authority vouched for it:\n%s", output)
		}
	}
}

func TestGnuTLSAsksByOCSP(t *testing.T) {
	s := newScene(t, pki.PhoneAuth)
	must(t, []string{"Verifying OCSP Response: Success", "Certificate Status: good", "Nonce:"}, "ocsptool", "--ask="+s.URL+"/ocsp", "--nonce", "--load-cert", s.good,
		"--load-issuer", s.authority, "--load-trust", s.authority)
	for _, file := range []string{s.held, s.revoked} {
		output, _ := run(t, "ocsptool", "--ask="+s.URL+"/ocsp", "--load-cert", file, "--load-issuer", s.authority, "--load-trust", s.authority)
		if !strings.Contains(output, "Verifying OCSP Response: Success") || !strings.Contains(output, "Certificate Status: revoked") {
			t.Errorf("ocsptool says:\n%s", output)
		}
	}
}

func TestForeignProgramsReadTheCRLs(t *testing.T) {
	for _, kind := range pki.Kinds() {
		s := newScene(t, kind)
		partition := s.goodCert.CRLDistributionPoints[0]
		if kind.Authentication() { // the three are in three partitions
			partition = s.URL + "/crl/" + string(kind) + ".crl"
		}
		for name, address := range map[string]string{"partition": partition, "whole": s.URL + "/crl/" + string(kind) + ".crl"} {
			_, der := get(t, s.Issuer, strings.TrimPrefix(address, s.URL))
			crl := s.file(t, name+".crl", der)
			words := []string{"verify OK", "X509v3 CRL Number", "X509v3 Authority Key Identifier", "Certificate Hold", "Superseded"}
			if name == "partition" && !kind.Authentication() {
				words = append(words, "X509v3 Issuing Distribution Point: critical")
			}
			must(t, words, "openssl", "crl", "-inform", "DER", "-in", crl, "-CAfile", s.authority, "-noout", "-text")
			must(t, []string{"Revoked certificates (2)"}, "certtool", "--crl-info", "--inder", "--infile", crl)
			pem := s.file(t, name+".pem", nil)
			must(t, nil, "openssl", "crl", "-inform", "DER", "-in", crl, "-out", pem)
			must(t, []string{"Verified."}, "certtool", "--verify-crl", "--infile", pem, "--load-ca-certificate", s.authority)
			check := []string{"verify", "-crl_check", "-extended_crl", "-CAfile", s.authority, "-CRLfile", pem}
			must(t, []string{": OK"}, "openssl", append(check, s.good)...)
			for _, file := range []string{s.held, s.revoked} {
				if output, err := run(t, "openssl", append(check, file)...); err == nil || !strings.Contains(output, "certificate revoked") {
					t.Errorf("%s %s: openssl accepts %s:\n%s", kind, name, filepath.Base(file), output)
				}
			}
		}
	}
}
