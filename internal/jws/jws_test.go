package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

type claims struct {
	Name string   `json:"name"`
	N    int64    `json:"n"`
	List []string `json:"list,omitempty"`
	Deep *claims  `json:"deep,omitempty"`
}

var (
	now   = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	party = jws.Kind{Typ: "test+jwt", Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 8 << 10}
	any3  = jws.Kind{Typ: "test+jwt", Algs: []jose.SignatureAlgorithm{jws.ES256, jws.ES384, jws.PS256}, MaxBytes: 8 << 10, Bare: true}
)

func chainFor(t *testing.T, key crypto.Signer) []*x509.Certificate {
	a := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), now)
	return []*x509.Certificate{a.Party(t, key.Public(), "portal", pki.RoleParty, pkitest.Leaf{})}
}

func TestEachAlgorithmSignsAndVerifies(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for alg, key := range map[jose.SignatureAlgorithm]crypto.Signer{jws.ES256: pkitest.ECKey(t), jws.ES384: p384, jws.PS256: pkitest.Key(t, 1)} {
		compact, err := jws.Sign(any3, key, nil, claims{Name: "手形", N: 1})
		if err != nil {
			t.Fatal(err)
		}
		m, err := jws.Parse[claims](any3, compact)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.VerifyWith(key.Public()); err != nil || got.Name != "手形" || m.Algorithm() != alg {
			t.Errorf("%s: %+v, %v", alg, got, err)
		}
		// go-jose, as a stranger, agrees.
		foreign, err := jose.ParseSignedCompact(compact, any3.Algs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := foreign.Verify(key.Public()); err != nil {
			t.Errorf("%s: go-jose: %v", alg, err)
		}
		if _, err := m.Verify(); !errors.Is(err, jws.ErrMalformed) {
			t.Errorf("%s: verified by the certificate of a message that has none: %v", alg, err)
		}
	}
	if _, err := jws.Sign(party, pkitest.Key(t, 1), nil, claims{}); !errors.Is(err, jws.ErrAlgorithm) {
		t.Errorf("a party signed with RSA: %v", err)
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	key := pkitest.ECKey(t)
	compact, err := jws.Sign(party, key, chainFor(t, key), claims{Name: "a", N: 7})
	if err != nil {
		t.Fatal(err)
	}
	for i := range compact {
		for _, flip := range []byte{1, 2, 0x20} {
			changed := []byte(compact)
			changed[i] ^= flip
			m, err := jws.Parse[claims](party, string(changed))
			if err != nil {
				continue
			}
			if _, err := m.Verify(); err == nil {
				t.Fatalf("byte %d may be changed by %#x", i, flip)
			}
		}
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	key := pkitest.ECKey(t)
	chain := chainFor(t, key)
	x5c, _ := json.Marshal([]string{base64.StdEncoding.EncodeToString(chain[0].Raw)})
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	good := `{"alg":"ES256","typ":"test+jwt","x5c":` + string(x5c) + `}`
	body := `{"name":"a","n":1}`
	cases := []struct {
		name, header, body string
		want               error
	}{
		{"no algorithm", `{"alg":"none","typ":"test+jwt","x5c":` + string(x5c) + `}`, body, jws.ErrAlgorithm},
		{"a shared secret", `{"alg":"HS256","typ":"test+jwt","x5c":` + string(x5c) + `}`, body, jws.ErrAlgorithm},
		{"RSA with PKCS#1 v1.5 padding", `{"alg":"RS256","typ":"test+jwt","x5c":` + string(x5c) + `}`, body, jws.ErrAlgorithm},
		{"another type of message", `{"alg":"ES256","typ":"other+jwt","x5c":` + string(x5c) + `}`, body, jws.ErrMalformed},
		{"no type", `{"alg":"ES256","x5c":` + string(x5c) + `}`, body, jws.ErrMalformed},
		{"a key in the header", `{"alg":"ES256","typ":"test+jwt","jwk":{},"x5c":` + string(x5c) + `}`, body, jws.ErrMalformed},
		{"critical extensions", `{"alg":"ES256","typ":"test+jwt","crit":["b64"],"b64":false,"x5c":` + string(x5c) + `}`, body, jws.ErrMalformed},
		{"a name twice", `{"alg":"ES256","alg":"ES256","typ":"test+jwt","x5c":` + string(x5c) + `}`, body, jws.ErrMalformed},
		{"a name in capitals", `{"ALG":"ES256","alg":"ES256","typ":"test+jwt","x5c":` + string(x5c) + `}`, body, jws.ErrMalformed},
		{"no certificate", `{"alg":"ES256","typ":"test+jwt"}`, body, jws.ErrMalformed},
		{"something that is no certificate", `{"alg":"ES256","typ":"test+jwt","x5c":["AAAA"]}`, body, jws.ErrMalformed},
		{"an unknown claim", good, `{"name":"a","n":1,"x":1}`, jws.ErrMalformed},
		{"a claim in capitals", good, `{"Name":"a","n":1}`, jws.ErrMalformed},
		{"a claim twice", good, `{"name":"a","name":"b","n":1}`, jws.ErrMalformed},
		{"a claim twice further in", good, `{"name":"a","n":1,"deep":{"n":1,"n":2}}`, jws.ErrMalformed},
		{"null", good, `{"name":null,"n":1}`, jws.ErrMalformed},
		{"half a number", good, `{"name":"a","n":1.5}`, jws.ErrMalformed},
		{"a number too large", good, `{"name":"a","n":99999999999999999999}`, jws.ErrMalformed},
		{"the wrong type", good, `{"name":["a"],"n":1}`, jws.ErrMalformed},
		{"something behind it", good, body + `{}`, jws.ErrMalformed},
		{"not UTF-8", good, "{\"name\":\"\xff\",\"n\":1}", jws.ErrMalformed},
		{"too deep", good, strings.Repeat(`{"deep":`, 12) + `{}` + strings.Repeat(`}`, 12), jws.ErrMalformed},
		{"not an object", good, `[]`, jws.ErrMalformed},
		{"too large", good, `{"name":"` + strings.Repeat("a", 9000) + `","n":1}`, jws.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := jws.Parse[claims](party, b64(c.header)+"."+b64(c.body)+"."+b64(strings.Repeat("s", 64)))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for _, form := range []string{"", ".", "..", "a.b", "a.b.c.d", b64(good) + "." + b64(body) + ".=", b64(good) + "\n." + b64(body) + ".AAAA"} {
		if _, err := jws.Parse[claims](party, form); !errors.Is(err, jws.ErrMalformed) {
			t.Errorf("%.20q: %v", form, err)
		}
	}
}

func TestTheSaltIsAsLongAsTheHash(t *testing.T) {
	key := pkitest.Key(t, 1)
	compact, err := jws.Sign(any3, key, nil, claims{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	input := compact[:strings.LastIndexByte(compact, '.')]
	h := crypto.SHA256.New()
	h.Write([]byte(input))
	short, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, h.Sum(nil), &rsa.PSSOptions{SaltLength: 8})
	if err != nil {
		t.Fatal(err)
	}
	m, err := jws.Parse[claims](any3, input+"."+base64.RawURLEncoding.EncodeToString(short))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.VerifyWith(key.Public()); !errors.Is(err, jws.ErrSignature) {
		t.Errorf("a salt of 8 octets: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6InRlc3Qrand0In0.eyJuYW1lIjoiYSIsIm4iOjF9.AAAA")
	f.Fuzz(func(t *testing.T, compact string) {
		m, err := jws.Parse[claims](any3, compact)
		if err != nil {
			return
		}
		if m.Raw() != compact || len(m.Chain()) > 6 {
			t.Error("not what was parsed")
		}
		first, err := jws.Encode(m.Unverified())
		if err != nil {
			t.Fatal(err)
		}
		var again claims
		if err := jws.Decode(first, &again); err != nil {
			t.Fatalf("what parsed does not parse again: %v", err)
		}
		second, err := jws.Encode(again)
		if err != nil || string(first) != string(second) {
			t.Errorf("%s became %s", first, second)
		}
	})
}

// A message that was kept tells its claims, and can never be taken for a verified one.
func TestAKeptMessageVerifiesByNoKey(t *testing.T) {
	key := pkitest.ECKey(t)
	compact, err := jws.Sign(party, key, chainFor(t, key), claims{Name: "手形", N: 1})
	if err != nil {
		t.Fatal(err)
	}
	if foreign, err := jose.ParseSignedCompact(compact, party.Algs); err != nil || len(foreign.Signatures) != 1 {
		t.Errorf("go-jose, as a stranger, does not read the chain: %v", err)
	} else if _, err := foreign.Verify(key.Public()); err != nil {
		t.Errorf("go-jose: %v", err)
	}
	m, err := jws.Kept[claims](party, compact)
	if err != nil || m.Unverified().Name != "手形" || m.Raw() != compact || m.Hash() != jws.Hash(compact) {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := m.Verify(); err == nil {
		t.Error("verified without a certificate")
	}
	if _, err := m.VerifyWith(key.Public()); err == nil {
		t.Error("verified without an algorithm")
	}
	for _, bad := range []string{"", "a.b", compact + ".x", "e30.!!!.AAAA", "e30.W10.AAAA"} {
		if _, err := jws.Kept[claims](party, bad); !errors.Is(err, jws.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func BenchmarkParseAndVerify(b *testing.B) {
	key := pkitest.ECKey(b)
	a := pkitest.NewAuthority(b, pki.Ops, pkitest.Key(b, 0), now)
	chain := []*x509.Certificate{a.Party(b, key.Public(), "portal", pki.RoleParty, pkitest.Leaf{}), a.Cert}
	compact, err := jws.Sign(party, key, chain, claims{Name: "手形", N: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := jws.Parse[claims](party, compact)
		if err == nil {
			_, err = m.Verify()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	key := pkitest.ECKey(b)
	a := pkitest.NewAuthority(b, pki.Ops, pkitest.Key(b, 0), now)
	chain := []*x509.Certificate{a.Party(b, key.Public(), "portal", pki.RoleParty, pkitest.Leaf{}), a.Cert}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jws.Sign(party, key, chain, claims{Name: "手形", N: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
