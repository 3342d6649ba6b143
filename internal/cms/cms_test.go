package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/cms"
	"tegata/internal/pkitest"
)

func at() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

// certify makes a self-signed certificate that mail programs and OpenSSL accept
// for signing.
func certify(t testing.TB, key crypto.Signer, serial int64) *x509.Certificate {
	t.Helper()
	return certifyUntil(t, key, serial, at().AddDate(1, 0, 0))
}

func certifyUntil(t testing.TB, key crypto.Signer, serial int64, end time.Time) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "signer"},
		NotBefore: at().AddDate(-1, 0, 0), NotAfter: end, SubjectKeyId: []byte{1, 2, 3, 4},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func p384(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, key crypto.Signer, cert *x509.Certificate, content []byte, detached bool) []byte {
	t.Helper()
	der, err := cms.Sign(key, cert, content, at(), detached)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestRoundTrip(t *testing.T) {
	for name, key := range map[string]crypto.Signer{
		"an RSA key signs":   pkitest.Key(t, 0),
		"a P-256 key signs":  pkitest.ECKey(t),
		"a P-384 key signs":  p384(t),
		"another RSA signer": pkitest.Key(t, 1),
	} {
		t.Run(name, func(t *testing.T) {
			cert := certify(t, key, 1000)
			for _, content := range [][]byte{[]byte("内容\n"), {}} {
				s, err := cms.Verify(sign(t, key, cert, content, false), nil)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(s.Content, content) || s.Detached || !s.Certificate.Equal(cert) || !s.SigningTime.Equal(at()) {
					t.Errorf("got %+v", s)
				}
				s, err = cms.Verify(sign(t, key, cert, content, true), content)
				if err != nil {
					t.Fatal(err)
				}
				if !s.Detached || !bytes.Equal(s.Content, content) {
					t.Errorf("got %+v", s)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	embedded := sign(t, key, cert, []byte("content"), false)
	detached := sign(t, key, cert, []byte("content"), true)
	// The same key, name and serial under another certificate: what
	// signing-certificate-v2 is there for.
	substitute := certifyUntil(t, key, 1000, at().AddDate(2, 0, 0))
	swapped := bytes.Replace(detached, cert.Raw, substitute.Raw, 1)
	cases := []struct {
		name    string
		der     []byte
		content []byte
		want    error
	}{
		{"a detached message without its content", detached, nil, cms.ErrNoContent},
		{"a detached message with other content", detached, []byte("Content"), cms.ErrContent},
		{"a message whose content is not the one given", embedded, []byte("other"), cms.ErrContent},
		{"a byte after the end", append(bytes.Clone(embedded), 0), nil, cms.ErrMalformed},
		{"half a message", embedded[:len(embedded)/2], nil, cms.ErrMalformed},
		{"nothing", nil, nil, cms.ErrMalformed},
		{"a certificate put in the place of the signer's", swapped, []byte("content"), cms.ErrCertificate},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := cms.Verify(c.der, c.content); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if len(cert.Raw) != len(substitute.Raw) {
		t.Log("the substitute has another length; the case tests less than it should")
	}
}

// Every byte of a message matters, its certificate included.
func TestTampering(t *testing.T) {
	key := pkitest.Key(t, 0)
	der := sign(t, key, certify(t, key, 1000), []byte("content"), false)
	for i := range der {
		forged := bytes.Clone(der)
		forged[i] ^= 1 << (i % 8)
		if _, err := cms.Verify(forged, nil); err == nil {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestOpenSSLAcceptsOurs(t *testing.T) {
	d := pkitest.NewDesk(t, "openssl")
	for name, key := range map[string]crypto.Signer{"rsa": pkitest.Key(t, 0), "p256": pkitest.ECKey(t), "p384": p384(t)} {
		t.Run(name, func(t *testing.T) {
			cert := certify(t, key, 77)
			content := []byte("line one\nline two\n")
			ca := d.Write(t, name+".pem", pemOf("CERTIFICATE", cert.Raw))
			in := d.Write(t, name+".bin", content)
			for _, detached := range []bool{false, true} {
				p7 := d.Write(t, name+".p7s", sign(t, key, cert, content, detached))
				args := []string{"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", p7, "-CAfile", ca, "-attime", "1795340000", "-out", os.DevNull}
				if detached {
					args = append(args, "-content", in)
				}
				if out := d.Run(t, args...); !strings.Contains(out, "uccessful") {
					t.Errorf("detached %v: openssl says %s", detached, out)
				}
			}
		})
	}
}

func TestWhatOpenSSLWrites(t *testing.T) {
	d := pkitest.NewDesk(t, "openssl")
	key, second := pkitest.Key(t, 0), pkitest.Key(t, 1)
	content := []byte("written by openssl\n")
	in := d.Write(t, "in", content)
	file := func(name string, k crypto.Signer, serial int64) (string, string) {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return d.Write(t, name+".key", pemOf("PRIVATE KEY", der)), d.Write(t, name+".pem", pemOf("CERTIFICATE", certify(t, k, serial).Raw))
	}
	k1, c1 := file("one", key, 1)
	k2, c2 := file("two", second, 2)
	cases := []struct {
		name string
		args []string
		want error
	}{
		{"a CAdES signature passes", []string{"-cades", "-md", "sha256"}, nil},
		{"SHA-512 passes", []string{"-cades", "-md", "sha512"}, nil},
		{"a signature that does not name its certificate is refused", []string{"-md", "sha256"}, cms.ErrNoSigningCertificate},
		{"SHA-1 is refused", []string{"-cades", "-md", "sha1"}, cms.ErrWeakDigest},
		{"no signed attributes are refused", []string{"-noattr", "-md", "sha256"}, cms.ErrNoSignedAttributes},
		{"two signers are refused", []string{"-cades", "-md", "sha256", "-signer", c2, "-inkey", k2}, cms.ErrSeveralSigners},
		{"a message without its certificate is refused", []string{"-cades", "-md", "sha256", "-nocerts"}, cms.ErrMalformed},
		{"a signer named by key identifier is refused", []string{"-cades", "-md", "sha256", "-keyid"}, cms.ErrMalformed},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(d.Dir, "out"+string(rune('a'+i)))
			args := append([]string{"cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", in, "-out", out, "-signer", c1, "-inkey", k1}, c.args...)
			cmd := exec.Command(d.Program, args...)
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("openssl: %v\n%s", err, msg)
			}
			der, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			s, err := cms.Verify(der, nil)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && !bytes.Equal(s.Content, content) {
				t.Errorf("content %q", s.Content)
			}
		})
	}
}

// What parses is DER and writes the same bytes; nothing panics.
func FuzzVerify(f *testing.F) {
	for _, name := range []string{"application.der", "detached.der"} {
		der, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	key := pkitest.Key(f, 0)
	f.Add(archived(f, key, certify(f, key, 1000), []byte("content"), true))
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := cms.Parse(der)
		if err != nil {
			return
		}
		if again, err := s.Marshal(); err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x became %x (%v)", der, again, err)
		}
		if _, err := cms.Verify(der, nil); err == nil && s.Detached {
			t.Error("verified without content")
		}
		s.ValidationData() // may fail, and does not panic
		for _, raw := range append(s.ArchiveTimeStamps(), s.SignatureTimeStamps()...) {
			if token, err := cms.VerifyTSTInfo(raw); err == nil {
				s.Covered(token)
			}
		}
	})
}
