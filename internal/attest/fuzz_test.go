package attest_test

import (
	"bytes"
	"crypto/x509"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"tegata/internal/attest"
	"tegata/internal/pkitest"
)

// What parses writes the same bytes again.
func FuzzKeyDescription(f *testing.F) {
	s := newShop(f)
	chain, err := s.batch.Attest(pkitest.Key(f, 0).Public(), []byte("challenge"), good(), elementOID, element(), at())
	if err != nil {
		f.Fatal(err)
	}
	st, _, err := attest.VerifyChain(chain, s.trust, at())
	if err != nil {
		f.Fatal(err)
	}
	der, err := st.Description.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	el, err := element().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(el)
	f.Fuzz(func(t *testing.T, der []byte) {
		if d, err := attest.ParseKeyDescription(der); err == nil {
			again, err := d.Marshal()
			if err != nil || !bytes.Equal(again, der) {
				t.Errorf("%x became %x (%v)", der, again, err)
			}
			d.Statement()
		}
		if e, err := attest.ParseElement(der); err == nil {
			again, err := e.Marshal()
			if err != nil || !bytes.Equal(again, der) {
				t.Errorf("%x became %x (%v)", der, again, err)
			}
		}
	})
}

var update = flag.Bool("update", false, "write testdata anew")

// kept returns the chain and request of testdata: fixed, because a fuzzing
// worker is a process of its own and must know the same maker as its corpus.
func kept(t testing.TB) map[string][]byte {
	t.Helper()
	if *update {
		s := newShop(t)
		key := pkitest.Key(t, 0)
		chain, err := s.batch.Attest(key.Public(), []byte("challenge"), good(), elementOID, element(), at())
		if err != nil {
			t.Fatal(err)
		}
		for name, der := range map[string][]byte{"csr": csr(t, key), "leaf": chain[0], "batch": chain[1], "root": chain[2]} {
			if err := os.WriteFile(filepath.Join("testdata", name+".der"), der, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files := map[string][]byte{}
	for _, name := range []string{"csr", "leaf", "batch", "root"} {
		der, err := os.ReadFile(filepath.Join("testdata", name+".der"))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = der
	}
	return files
}

// A request with its attestation never panics, and passes only as it was made.
func FuzzProof(f *testing.F) {
	files := kept(f)
	root, err := x509.ParseCertificate(files["root"])
	if err != nil {
		f.Fatal(err)
	}
	trust := attest.Trust{Roots: []*x509.Certificate{root}, ElementExtension: elementOID}
	want := attest.Expectation{Challenge: []byte("challenge"), Type: attest.RSA2048}
	verify := func(csr, leaf, batch []byte) error {
		p := attest.KeyProof{CSR: csr, Chain: [][]byte{leaf, batch}}
		_, _, err := attest.VerifyProof(p, trust, want, at())
		return err
	}
	if err := verify(files["csr"], files["leaf"], files["batch"]); err != nil {
		f.Fatal(err)
	}
	f.Add(files["csr"], files["leaf"], files["batch"])
	f.Fuzz(func(t *testing.T, csr, leaf, batch []byte) {
		if verify(csr, leaf, batch) == nil && !bytes.Equal(leaf, files["leaf"]) {
			t.Error("another attestation passed")
		}
	})
}
