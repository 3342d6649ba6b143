package document_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/verifier/document"
)

// purposes are what signature certificates of ours are for: document signing (RFC
// 9336) and, for OpenSSL, GnuTLS and NSS, e-mail.
var purposes = []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 36}, {1, 3, 6, 1, 5, 5, 7, 3, 4}}

// foreignWorld is a world under the machine's own clock: foreign programs have no other.
func foreignWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.now = time.Now().UTC().Truncate(time.Second)
	w.sign = pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 0), w.now)
	w.ops = pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 7), w.now)
	w.cert = w.sign.Issue(t, w.key.Public(), pkitest.Leaf{CN: "signer", OCSP: w.url, ExtUsage: purposes})
	w.tsa = w.newTSA(w.now.AddDate(2, 0, 0))
	return w
}

// What other programs sign with a signature key, as `openssl cms -sign` does with a
// card through OpenSC's engine, is judged by the same rules.
func TestWhatOpenSSLSigns(t *testing.T) {
	w := foreignWorld(t)
	d := pkitest.NewDesk(t, "openssl")
	files := func(name string, key any, c *x509.Certificate) []string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"-signer", d.Write(t, name+".pem", pki.EncodePEM(c.Raw)),
			"-inkey", d.Write(t, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
	}
	mine := files("mine", w.key, w.cert)
	login := files("login", w.key, w.auth.Issue(t, w.key.Public(), pkitest.Leaf{CN: "login"}))
	stranger := files("stranger", pkitest.Key(t, 6), w.sign.Issue(t, pkitest.Key(t, 6).Public(), pkitest.Leaf{CN: "another", OCSP: w.url}))
	in := d.Write(t, "in", content)
	for _, c := range []struct {
		name string
		args []string
		want *problem.Problem
	}{
		{"CAdES", append(mine, "-cades", "-md", "sha256"), nil},
		{"CAdES with SHA-512", append(mine, "-cades", "-md", "sha512"), nil},
		{"CAdES with the content inside", append(mine, "-cades", "-md", "sha256", "-nodetach"), nil},
		{"SHA-1", append(mine, "-cades", "-md", "sha1"), document.ErrWeakDigest},
		{"no signed attributes", append(mine, "-md", "sha256", "-noattr"), document.ErrNoSignedAttributes},
		{"CMS that does not name its certificate", append(mine, "-md", "sha256"), document.ErrNoSigningCertificate},
		{"two signers in one message", append(append(mine, stranger...), "-cades", "-md", "sha256"), document.ErrSeveralSigners},
		{"an authentication certificate", append(login, "-cades", "-md", "sha256"), document.ErrCertificateKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := d.Dir + "/out.p7s"
			d.Run(t, append([]string{"cms", "-sign", "-binary", "-outform", "DER", "-in", in, "-out", out}, c.args...)...)
			der, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			w.now = time.Now().UTC()
			r := w.checker().Check(t.Context(), der, content, w.now)
			if c.want == nil {
				passed(t, r.Signatures[0])
			} else if r.Problem == nil || r.Problem.Code != c.want.Code || r.Verdict != ceremony.Failed {
				t.Errorf("got %v, want %v", r.Problem, c.want)
			}
		})
	}
}

// Programs of other people accept what we sign, at its lowest level and its highest,
// and refuse it over another text.
func TestOtherProgramsAcceptOurs(t *testing.T) {
	w := foreignWorld(t)
	levels := map[string][]byte{"B-B": w.signed()}
	levels["B-LTA"] = w.raised(levels["B-B"], document.LevelLTA)
	for level, der := range levels {
		t.Run("openssl "+level, func(t *testing.T) {
			d := pkitest.NewDesk(t, "openssl")
			args := []string{"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", d.Write(t, "p7s", der),
				"-CAfile", d.Write(t, "ca.pem", pki.EncodePEM(w.sign.Cert.Raw)), "-out", os.DevNull, "-content"}
			if out := d.Run(t, append(args, d.Write(t, "in", content))...); !strings.Contains(out, "uccessful") {
				t.Errorf("openssl says %s", out)
			}
			if out, err := d.Try(append(args, d.Write(t, "other", []byte("other")))...); err == nil {
				t.Errorf("openssl accepts another text: %s", out)
			}
		})
		t.Run("certtool "+level, func(t *testing.T) {
			d := pkitest.NewDesk(t, "certtool")
			args := []string{"--p7-verify", "--inder", "--infile", d.Write(t, "p7s", der),
				"--load-ca-certificate", d.Write(t, "ca.pem", pki.EncodePEM(w.sign.Cert.Raw)), "--load-data"}
			if out := d.Run(t, append(args, d.Write(t, "in", content))...); !strings.Contains(out, "Signature status: ok") {
				t.Errorf("certtool says %s", out)
			}
			if out, err := d.Try(append(args, d.Write(t, "other", []byte("other")))...); err == nil && !strings.Contains(out, "failed") {
				t.Errorf("certtool accepts another text: %s", out)
			}
		})
		t.Run("cmsutil "+level, func(t *testing.T) {
			certs := pkitest.NewDesk(t, "certutil")
			certs.Run(t, "-N", "-d", "sql:"+certs.Dir, "--empty-password")
			certs.Run(t, "-A", "-d", "sql:"+certs.Dir, "-n", "authority", "-t", "C,C,C", "-i", certs.Write(t, "ca.pem", pki.EncodePEM(w.sign.Cert.Raw)), "-a")
			d := pkitest.NewDesk(t, "cmsutil")
			args := []string{"-D", "-d", "sql:" + certs.Dir, "-i", d.Write(t, "p7s", der), "-h", "1", "-n", "-c"}
			if out, err := d.Try(append(args, d.Write(t, "in", content))...); err != nil || !strings.Contains(out, "GoodSignature") {
				t.Errorf("cmsutil says %s (%v)", out, err)
			}
			if out, err := d.Try(append(args, d.Write(t, "other", []byte("other")))...); err == nil && strings.Contains(out, "GoodSignature") {
				t.Errorf("cmsutil accepts another text: %s", out)
			}
		})
	}
}
