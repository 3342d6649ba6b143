package street

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"tegata/internal/pkitest"
)

// selfSigned is a real certificate, so that the facts on the page are read from one.
func selfSigned(t *testing.T) string {
	t.Helper()
	key := pkitest.ECKey(t)
	c := &x509.Certificate{SerialNumber: big.NewInt(0x1234567890), Subject: pkix.Name{CommonName: "tegata-phone-auth"},
		NotBefore: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2031, 2, 17, 14, 59, 59, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
