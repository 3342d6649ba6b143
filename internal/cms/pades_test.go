package cms_test

import (
	"crypto"
	"errors"
	"os"
	"strings"
	"testing"

	"tegata/internal/cms"
	"tegata/internal/pkitest"
)

func TestPAdES(t *testing.T) {
	content := []byte("%PDF-1.7 the bytes of a ByteRange")
	for name, key := range map[string]crypto.Signer{"an RSA key signs": pkitest.Key(t, 0), "a P-384 key signs": p384(t)} {
		t.Run(name, func(t *testing.T) {
			cert := certify(t, key, 1000)
			der, err := cms.SignPAdES(key, cert, content)
			if err != nil {
				t.Fatal(err)
			}
			s, err := cms.VerifyPAdES(der, content)
			if err != nil {
				t.Fatal(err)
			}
			if !s.Detached || !s.Certificate.Equal(cert) || !s.SigningTime.IsZero() {
				t.Errorf("got %+v", s)
			}
			for what, got := range map[string]error{
				"other content": second(cms.VerifyPAdES(der, []byte("%PDF-1.7 other bytes"))),
				"no content":    second(cms.VerifyPAdES(der, nil)),
			} {
				if !errors.Is(got, cms.ErrContent) && !errors.Is(got, cms.ErrNoContent) {
					t.Errorf("%s: %v", what, got)
				}
			}
		})
	}
}

// A signature of one form is none of the other: which attributes are signed says
// what the signer looked at.
func TestCAdESAndPAdESAreNotConfused(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	content := []byte("content")
	inPDF, err := cms.SignPAdES(key, cert, content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cms.Verify(inPDF, content); !errors.Is(err, cms.ErrMissingAttribute) {
		t.Errorf("CAdES without signing-time: %v", err)
	}
	if _, err := cms.VerifyPAdES(sign(t, key, cert, content, true), content); !errors.Is(err, cms.ErrSigningTime) {
		t.Errorf("PAdES with signing-time: %v", err)
	}
	if _, err := cms.VerifyPAdES(sign(t, key, cert, content, false), nil); err == nil {
		t.Error("a CAdES message with its content inside passed for a PDF's")
	}
}

func TestOpenSSLAcceptsPAdES(t *testing.T) {
	d := newDesk(t)
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 77)
	content := []byte("%PDF-1.7 the bytes of a ByteRange")
	der, err := cms.SignPAdES(key, cert, content)
	if err != nil {
		t.Fatal(err)
	}
	out := d.run(t, "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", d.write(t, "p7", der), "-content", d.write(t, "in", content),
		"-CAfile", d.write(t, "ca.pem", pemOf("CERTIFICATE", cert.Raw)), "-attime", "1795340000", "-out", os.DevNull)
	if !strings.Contains(out, "uccessful") {
		t.Errorf("openssl says %s", out)
	}
}

func second[T any](_ T, err error) error { return err }
