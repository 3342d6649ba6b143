package tsp_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/tsp"
)

var (
	now    = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	policy = asn1.ObjectIdentifier{2, 999, 1, 6}
	stamps = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

// extendedUse is the extension as RFC 3161 wants it, or not.
func extendedUse(t testing.TB, critical bool, uses ...asn1.ObjectIdentifier) pkix.Extension {
	t.Helper()
	der, err := asn1.Marshal(uses)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: der}
}

// authority makes a time-stamp authority under an ops authority.
func authority(t testing.TB, key crypto.Signer, use pkix.Extension) (tsp.Authority, *pkitest.Authority) {
	t.Helper()
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 7), now)
	leaf := ops.Issue(t, key.Public(), pkitest.Leaf{CN: "tsa", Extra: []pkix.Extension{use}})
	return tsp.Authority{Signer: key, Chain: []*x509.Certificate{leaf, ops.Cert}, Policy: policy, Accuracy: time.Second}, ops
}

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func reply(t testing.TB, a tsp.Authority, r tsp.Request, serial int64) []byte {
	t.Helper()
	der, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	read, err := tsp.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.Stamp(read, big.NewInt(serial), now)
	if err != nil {
		t.Fatal(err)
	}
	return tsp.Granted(token)
}

func TestATimeStampIsAskedForAndChecked(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"a P-256 authority": pkitest.ECKey(t), "an RSA authority": pkitest.Key(t, 3)} {
		t.Run(name, func(t *testing.T) {
			a, _ := authority(t, key, extendedUse(t, true, stamps))
			if err := a.Check(); err != nil {
				t.Fatal(err)
			}
			r := tsp.NewRequest(crypto.SHA256, digest("a signature"))
			token, der, err := r.Check(reply(t, a, r, 4711))
			if err != nil {
				t.Fatal(err)
			}
			if !token.Time.Equal(now) || token.Serial.Int64() != 4711 || !token.Policy.Equal(policy) || token.Nonce.Cmp(r.Nonce) != 0 ||
				!token.Proven().Equal(now.Add(time.Second)) || !token.Signed.Certificate.Equal(a.Chain[0]) {
				t.Errorf("%+v", token.Info)
			}
			again, err := tsp.Open(der, func(h crypto.Hash) []byte { return r.Imprint })
			if err != nil || again.Serial.Cmp(token.Serial) != 0 {
				t.Errorf("opened later: %v", err)
			}
		})
	}
}

func TestWithoutCertificateItHasToBeKnown(t *testing.T) {
	a, _ := authority(t, pkitest.ECKey(t), extendedUse(t, true, stamps))
	r := tsp.Request{Hash: crypto.SHA384, Imprint: make([]byte, 48)} // no nonce either
	answer := reply(t, a, r, 1)
	if _, _, err := r.Check(answer); !errors.Is(err, cms.ErrCertificate) {
		t.Errorf("nobody knows the certificate: %v", err)
	}
	if _, _, err := r.Check(answer, a.Chain...); err != nil {
		t.Error(err)
	}
	asked := r
	asked.CertReq = true
	if _, _, err := asked.Check(answer, a.Chain...); !errors.Is(err, tsp.ErrMalformed) {
		t.Errorf("the certificate was asked for and is not there: %v", err)
	}
}

func TestWhatATokenIsRefusedFor(t *testing.T) {
	key := pkitest.ECKey(t)
	good, ops := authority(t, key, extendedUse(t, true, stamps))
	asked := tsp.NewRequest(crypto.SHA256, digest("a signature"))
	other := tsp.NewRequest(crypto.SHA256, digest("another"))
	nonce := asked
	nonce.Nonce = big.NewInt(1)
	without := asked
	without.Nonce = nil
	policed := asked
	policed.Policy = asn1.ObjectIdentifier{2, 999, 1, 7}
	with := func(uses ...pkix.Extension) tsp.Authority {
		a := good
		a.Chain = []*x509.Certificate{ops.Issue(t, key.Public(), pkitest.Leaf{CN: "tsa", Extra: uses, ExtUsage: []asn1.ObjectIdentifier{}}), ops.Cert}
		return a
	}
	// Another certificate of the same key, with the same name and serial number.
	serial := pki.RandomSerial()
	meant := ops.Issue(t, key.Public(), pkitest.Leaf{CN: "tsa", Serial: serial, Extra: []pkix.Extension{extendedUse(t, true, stamps)}})
	put := ops.Issue(t, key.Public(), pkitest.Leaf{CN: "tsa", Serial: serial, Extra: []pkix.Extension{extendedUse(t, true, stamps)}, NotAfter: now.AddDate(2, 0, 0)})
	substituted := good
	substituted.Chain = []*x509.Certificate{meant, ops.Cert}
	cases := []struct {
		name   string
		answer []byte
		want   error
	}{
		{"an answer about another digest", reply(t, good, other, 1), tsp.ErrImprint},
		{"an answer with another nonce", reply(t, good, nonce, 1), tsp.ErrNonce},
		{"an answer without the nonce", reply(t, good, without, 1), tsp.ErrNonce},
		{"a certificate whose use is not critical", reply(t, with(extendedUse(t, false, stamps)), asked, 1), tsp.ErrCertificate},
		{"a certificate for more than time-stamping", reply(t, with(extendedUse(t, true, stamps, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9})), asked, 1), tsp.ErrCertificate},
		{"a certificate for something else", reply(t, with(extendedUse(t, true, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4})), asked, 1), tsp.ErrCertificate},
		{"a certificate for anything", reply(t, with(), asked, 1), tsp.ErrCertificate},
		{"another certificate in the place of the one that was meant", bytes.Replace(reply(t, substituted, asked, 1), meant.Raw, put.Raw, 1), cms.ErrCertificate},
		{"an answer that declines", tsp.Rejected(tsp.UnacceptedPolicy), tsp.ErrDeclined},
		{"an answer cut short", reply(t, good, asked, 1)[:100], tsp.ErrMalformed},
		{"a byte too many", append(reply(t, good, asked, 1), 0), tsp.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := asked.Check(c.answer); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if len(meant.Raw) != len(put.Raw) {
		t.Fatal("the certificates differ in length: the substitution is only malformed")
	}
	if _, err := good.Stamp(policed, big.NewInt(1), now); !errors.Is(err, tsp.ErrDeclined) {
		t.Errorf("a policy that is not the authority's: %v", err)
	}
}

func TestWhatARequestIsDeclinedFor(t *testing.T) {
	good, err := tsp.NewRequest(crypto.SHA256, digest("a signature")).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sha256DER := []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}
	version := bytes.Replace(good, []byte{2, 1, 1}, []byte{2, 1, 2}, 1)
	algorithm := bytes.Replace(good, sha256DER, append(bytes.Clone(sha256DER[:8]), 9), 1)
	length := bytes.Replace(good, sha256DER, append(bytes.Clone(sha256DER[:8]), 2), 1)
	extension := append(bytes.Clone(good), 0xA0, 0)
	extension[1] += 2
	for name, c := range map[string]struct {
		der  []byte
		want tsp.Failure
	}{
		"another version":                   {version, tsp.BadRequest},
		"an algorithm that is not accepted": {algorithm, tsp.BadAlg},
		"a digest of another length":        {length, tsp.BadDataFormat},
		"an extension":                      {extension, tsp.UnacceptedExtension},
		"a byte too many":                   {append(bytes.Clone(good), 0), tsp.BadDataFormat},
		"nothing":                           {nil, tsp.BadDataFormat},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tsp.ParseRequest(c.der)
			d, ok := errors.AsType[*tsp.Declined](err)
			if !ok || d.Failure != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			_, _, err = tsp.NewRequest(crypto.SHA256, digest("")).Check(tsp.Rejected(d.Failure))
			if told, ok := errors.AsType[*tsp.Declined](err); !ok || told.Failure != c.want {
				t.Errorf("the requester is told %v", err)
			}
		})
	}
}

// Every byte of a token matters.
func TestTampering(t *testing.T) {
	a, _ := authority(t, pkitest.ECKey(t), extendedUse(t, true, stamps))
	r := tsp.NewRequest(crypto.SHA256, digest("a signature"))
	_, token, err := r.Check(reply(t, a, r, 1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range token {
		forged := bytes.Clone(token)
		forged[i] ^= 1 << (i % 8)
		if _, err := tsp.Open(forged, func(crypto.Hash) []byte { return r.Imprint }); err == nil {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
	}
}

// What parses means what it says; nothing panics.
func FuzzOpen(f *testing.F) {
	a, _ := authority(f, pkitest.ECKey(f), extendedUse(f, true, stamps))
	r := tsp.NewRequest(crypto.SHA256, digest("a signature"))
	answer := reply(f, a, r, 1)
	f.Add(answer)
	if der, err := r.Marshal(); err == nil {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if token, _, err := r.Check(der); err == nil && !bytes.Equal(token.Imprint, r.Imprint) {
			t.Error("a token over something else")
		}
		read, err := tsp.ParseRequest(der)
		if err != nil {
			return
		}
		if again, err := read.Marshal(); err != nil || len(again) > len(der)+2 {
			t.Errorf("%x became %x (%v)", der, again, err)
		}
	})
}
