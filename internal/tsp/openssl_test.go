package tsp_test

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/tsp"
)

// attime is a moment at which the test certificates are valid, for openssl.
const attime = "1795340000"

func TestOpenSSLAcceptsOurs(t *testing.T) {
	d := pkitest.NewDesk(t, "openssl")
	data := d.Write(t, "data", []byte("what is stamped\n"))
	for name, key := range map[string]crypto.Signer{"p256": pkitest.ECKey(t), "rsa": pkitest.Key(t, 3)} {
		t.Run(name, func(t *testing.T) {
			a, ops := authority(t, key, extendedUse(t, true, stamps))
			query := filepath.Join(d.Dir, name+".tsq")
			d.Run(t, "ts", "-query", "-data", data, "-sha256", "-cert", "-out", query)
			der, err := os.ReadFile(query)
			if err != nil {
				t.Fatal(err)
			}
			r, err := tsp.ParseRequest(der)
			if err != nil {
				t.Fatal(err)
			}
			answer := d.Write(t, name+".tsr", reply(t, a, r, 4711))
			ca := d.Write(t, name+".pem", pki.EncodePEM(ops.Cert.Raw))
			out := d.Run(t, "ts", "-verify", "-queryfile", query, "-in", answer, "-CAfile", ca, "-attime", attime)
			if !strings.Contains(out, "Verification: OK") {
				t.Errorf("openssl says %s", out)
			}
			if out := d.Run(t, "ts", "-reply", "-in", answer, "-text"); !strings.Contains(out, "0x1267") || !strings.Contains(out, "2.999.1.6") {
				t.Errorf("openssl reads %s", out)
			}
		})
	}
}

func TestOursAcceptsOpenSSLs(t *testing.T) {
	d := pkitest.NewDesk(t, "openssl")
	for name, key := range map[string]crypto.Signer{"p256": pkitest.ECKey(t), "rsa": pkitest.Key(t, 3)} {
		t.Run(name, func(t *testing.T) {
			a, _ := authority(t, key, extendedUse(t, true, stamps))
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			d.Write(t, "tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			d.Write(t, "tsa.pem", pki.EncodePEM(a.Chain[0].Raw))
			d.Write(t, "serial", []byte("1267\n"))
			d.Write(t, "tsa.cnf", []byte(`[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 2.999.1.6
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`))
			r := tsp.NewRequest(crypto.SHA256, digest("what is stamped\n"))
			query, err := r.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			d.Run(t, "ts", "-reply", "-config", "tsa.cnf", "-section", "one", "-queryfile", d.Write(t, "query", query), "-out", "answer")
			answer, err := os.ReadFile(filepath.Join(d.Dir, "answer"))
			if err != nil {
				t.Fatal(err)
			}
			token, _, err := r.Check(answer)
			if err != nil {
				t.Fatal(err)
			}
			if token.Serial.Int64() != 0x1268 || token.Proven().Sub(token.Time).Milliseconds() != 1500 {
				t.Errorf("%+v", token.Info)
			}
		})
	}
}
