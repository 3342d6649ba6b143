package xades_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

// authority is OpenSSL's time-stamping authority, with a certificate of its own.
func authority(t *testing.T, d desk) xades.Stamp {
	t.Helper()
	key := pkitest.Key(t, 5)
	// RFC 3161, section 2.3: extendedKeyUsage critical, id-kp-timeStamping alone.
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tsa"}, NotBefore: at().AddDate(-1, 0, 0), NotAfter: at().AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "tsa.key", pemOf("PRIVATE KEY", private))
	d.write(t, "tsa.pem", pemOf("CERTIFICATE", der))
	d.write(t, "serial", []byte("01\n"))
	config := d.write(t, "tsa.cnf", []byte(`[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
`))
	return func(ctx context.Context, imprint []byte) ([]byte, error) {
		query, token := filepath.Join(d.dir, "query"), filepath.Join(d.dir, "token")
		for _, args := range [][]string{
			{"ts", "-query", "-digest", hex.EncodeToString(imprint), "-sha256", "-cert", "-out", query},
			{"ts", "-reply", "-config", config, "-queryfile", query, "-token_out", "-out", token},
		} {
			d.openssl(t, args...)
		}
		return os.ReadFile(token)
	}
}

func (d desk) openssl(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(pkitest.Tool(t, "openssl"), args...)
	cmd.Dir = d.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl %v: %v\n%s", args, err, out)
	}
}

// Tokens of a real authority go in, come out as they were, and OpenSSL finds them to
// be over the octets that we say.
func TestTokensOfOpenSSL(t *testing.T) {
	d := newDesk(t)
	who, stamp := person(t, pkitest.Key(t, 0)), authority(t, d)
	signed, err := xades.AddSignatureTimeStamp(t.Context(), []byte(who.sign(t, contract, who.options(xades.Enveloped))), nil, stamp)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err = xades.AddValues(signed, nil, nil, [][]byte{answer(t)}); err != nil {
		t.Fatal(err)
	}
	if signed, err = xades.AddArchiveTimeStamp(t.Context(), signed, nil, stamp); err != nil {
		t.Fatal(err)
	}
	list, err := xades.Signatures(signed, nil)
	if err != nil || len(list[0].TimeStamps) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, stamp := range list[0].TimeStamps {
		token := d.write(t, "out", stamp.Token)
		d.openssl(t, "ts", "-verify", "-digest", hex.EncodeToString(stamp.Imprint(crypto.SHA256)), "-in", token, "-token_in", "-CAfile", "tsa.pem")
	}
	if out, ok := d.accepts(t, who, string(signed)); !ok {
		t.Errorf("xmlsec1 refuses: %s", out)
	}
}
