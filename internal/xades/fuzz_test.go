package xades_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestSeeds writes the fuzz target's seeds when asked to.
func TestSeeds(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	who := person(t, pkitest.ECKey(t))
	for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping, xades.Detached} {
		var content []byte
		if form == xades.Detached {
			content = []byte(contract)
		}
		levels := raise(t, who, who.sign(t, contract, who.options(form)), content)
		for i, name := range []string{"b", "t", "lt", "lta"} {
			if i == 0 || form == xades.Enveloped {
				if err := os.WriteFile(filepath.Join("testdata", string(form)+"-"+name+".xml"), []byte(levels[i]), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Nothing panics; what is accepted has a signer and content and can be read, and
// what is prepared can be signed and is accepted. Signatures differ from run to
// run, so that minimising takes long for nothing: -fuzzminimizetime 1x.
func FuzzSignatures(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(seeds) < 5 {
		f.Fatalf("%d seeds, %v", len(seeds), err)
	}
	for _, name := range seeds {
		document, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document, []byte(contract))
		f.Add(document, []byte(nil))
	}
	who := person(f, pkitest.ECKey(f))
	f.Fuzz(func(t *testing.T, document, content []byte) {
		if len(content) == 0 {
			content = nil
		}
		list, err := xades.Signatures(document, content)
		if err == nil {
			for _, s := range list {
				if s.Certificate == nil || len(s.Contents) == 0 {
					t.Errorf("%+v", s)
				}
			}
			if _, err := xades.Readable(document); err != nil {
				t.Error(err)
			}
		}
		for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping} {
			draft, err := xades.Prepare(document, who.options(form))
			if err != nil {
				continue
			}
			if input := draft.SigningInput(); !bytes.HasPrefix(input, []byte("<ds:SignedInfo ")) || !bytes.HasSuffix(input, []byte("</ds:SignedInfo>")) {
				t.Errorf("signing input %q", input)
			}
			signed, err := xades.Sign(who.key, document, who.options(form))
			if err != nil {
				t.Fatalf("%s: prepared and not finished: %v", form, err)
			}
			if form == xades.Enveloping {
				continue // what is inside may be signed, and worth nothing
			}
			if _, err := xades.Signatures(signed, nil); err != nil {
				t.Errorf("%q: %v", signed, err)
			}
		}
	})
}
