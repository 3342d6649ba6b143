package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegata/internal/cms"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

func kinds() map[string][]byte {
	return map[string][]byte{"a table": classic(contract()), "streams": modern(contract())}
}

func TestRoundTrip(t *testing.T) {
	for kind, pdf := range kinds() {
		t.Run(kind, func(t *testing.T) {
			d, err := pades.Prepare(pdf, pades.Options{At: at(), Name: "山田 花子", Reason: "approved (1)", Room: 100})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := d.Embed(token)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(signed, pdf) {
				t.Error("the file itself was changed")
			}
			list := signatures(t, signed)
			if len(list) != 1 {
				t.Fatalf("%d signatures", len(list))
			}
			s := list[0]
			if !bytes.Equal(s.CMS, token) || !bytes.Equal(s.Content, d.Content()) {
				t.Error("not what was embedded, or not over what was prepared")
			}
			if s.Field != "Signature1" || s.SubFilter != pades.SubFilterCAdES || s.Name != "山田 花子" || s.Reason != "approved (1)" || !s.Moment.Equal(at()) {
				t.Errorf("got %+v", s)
			}
			if !s.WholeFile || s.Intact() != nil || len(s.Later) != 0 || s.Revision != 2 {
				t.Errorf("whole file %v, later %v, revision %d", s.WholeFile, s.Later, s.Revision)
			}
			// The range covers all but the string, its delimiters included in the gap.
			b := s.ByteRange
			if b[0] != 0 || b[2]+b[3] != len(signed) || signed[b[1]] != '<' || signed[b[2]-1] != '>' || b[2]-b[1] != 202 {
				t.Errorf("byte range %v of %d bytes", b, len(signed))
			}
		})
	}
}

func TestSeveralSignaturesInARow(t *testing.T) {
	for kind, pdf := range kinds() {
		t.Run(kind, func(t *testing.T) {
			for i := range 3 {
				pdf = sign(t, pdf, pades.Options{Name: fmt.Sprint("signer ", i)})
			}
			d, err := pades.PrepareDocTimeStamp(pdf, pades.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if pdf, err = d.Embed(token); err != nil {
				t.Fatal(err)
			}
			list := signatures(t, pdf)
			if len(list) != 4 {
				t.Fatalf("%d signatures", len(list))
			}
			for i, s := range list {
				if err := s.Intact(); err != nil {
					t.Errorf("signature %d: %v", i, err)
				}
				if len(s.Later) != 3-i || s.WholeFile != (i == 3) || s.Revision != i+2 || s.DocTimeStamp() != (i == 3) {
					t.Errorf("signature %d: revision %d, later %+v", i, s.Revision, s.Later)
				}
			}
			if list[0].Later[2].Added != pades.AddedTimeStamp || list[0].Later[0].Added != pades.AddedSignature || list[0].Later[0].Revision != 3 {
				t.Errorf("later: %+v", list[0].Later)
			}
			if list[3].Field != "TimeStamp1" || !list[3].Moment.IsZero() {
				t.Errorf("the time-stamp: %+v", list[3])
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	for kind, pdf := range kinds() {
		t.Run(kind, func(t *testing.T) {
			first := pades.Evidence{Certificates: [][]byte{der(1, 600), der(2, 700)}, OCSP: [][]byte{der(3, 900)}}
			second := pades.Evidence{Certificates: [][]byte{der(2, 700), der(4, 10)}, OCSP: [][]byte{der(5, 900)}}
			pdf = sign(t, pdf, pades.Options{})
			for _, e := range []pades.Evidence{first, second} {
				var err error
				if pdf, err = pades.AddDSS(pdf, e); err != nil {
					t.Fatal(err)
				}
			}
			pdf = sign(t, pdf, pades.Options{})
			got, err := pades.ReadEvidence(pdf)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Certificates) != 3 || len(got.OCSP) != 2 || !bytes.Equal(got.Certificates[2], der(4, 10)) || !bytes.Equal(got.OCSP[1], der(5, 900)) {
				t.Errorf("%d certificates, %d OCSP answers", len(got.Certificates), len(got.OCSP))
			}
			s := signatures(t, pdf)[0]
			if err := s.Intact(); err != nil {
				t.Error(err)
			}
			if len(s.Later) != 3 || s.Later[0].Added != pades.AddedEvidence || s.Later[1].Added != pades.AddedEvidence || s.Later[2].Added != pades.AddedSignature {
				t.Errorf("later: %+v", s.Later)
			}
			if bytes.Contains(pdf, []byte("/CRL")) {
				t.Error("a CRL")
			}
		})
	}
	signed := sign(t, classic(contract()), pades.Options{})
	if _, err := pades.AddDSS(signed, pades.Evidence{Certificates: [][]byte{[]byte("PEM")}}); !errors.Is(err, pades.ErrNotDER) {
		t.Errorf("a certificate that is none: %v", err)
	}
	if _, err := pades.AddDSS(classic(contract()), pades.Evidence{}); !errors.Is(err, pades.ErrNoSignature) {
		t.Errorf("evidence for nothing: %v", err)
	}
}

// der makes a DER value of a given kind and length that does not compress well.
func der(seed byte, n int) []byte {
	content := make([]byte, n)
	x := uint32(seed) + 1
	for i := range content {
		x = x*1664525 + 1013904223
		content[i] = byte(x >> 24)
	}
	wrap := func(tag byte, content []byte) []byte {
		head := []byte{tag, 0x82, byte(len(content) >> 8), byte(len(content))}
		switch {
		case len(content) < 0x80:
			head = []byte{tag, byte(len(content))}
		case len(content) < 0x100:
			head = []byte{tag, 0x81, byte(len(content))}
		}
		return append(head, content...)
	}
	return wrap(0x30, wrap(0x04, content))
}

func TestPrepareRefuses(t *testing.T) {
	pdf := classic(contract())
	certified := contract()
	certified[1] = `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 8 0 R] >> /Perms << /DocMDP 9 0 R >> >>`
	certified[8] = `<< /FT /Sig /T (c) >>`
	certified[9] = `<< /Type /Sig /Reference [<< /TransformMethod /DocMDP /TransformParams << /P 1 >> >>] >>`
	nobody := contract()
	nobody[2] = `<< /Type /Pages /Kids [] /Count 0 >>`
	broken := contract()
	broken[8] = "<< /A"
	cases := []struct {
		name string
		pdf  []byte
		o    pades.Options
		want error
	}{
		{"an encrypted file", bytes.Replace(pdf, []byte("/Info"), []byte("/Encrypt << /Filter /Standard >> /Info"), 1), pades.Options{}, pades.ErrEncrypted},
		{"a name that a field has", pdf, pades.Options{Field: "amount"}, pades.ErrFieldName},
		{"a name with a period", pdf, pades.Options{Field: "a.b"}, pades.ErrFieldName},
		{"a file that was certified against changes", classic(certified), pades.Options{}, pades.ErrClosed},
		{"a file without a page", classic(nobody), pades.Options{}, pades.ErrMeaningless},
		{"an object that nothing needs and that cannot be read", classic(broken), pades.Options{}, pades.ErrMalformed},
		{"half a file", pdf[:len(pdf)/2], pades.Options{}, pades.ErrMalformed},
		{"nothing", nil, pades.Options{}, pades.ErrMalformed},
		{"bytes before the header", append([]byte("\n"), pdf...), pades.Options{}, pades.ErrMalformed},
		{"bytes after the end", append(bytes.Clone(pdf), "<html>"...), pades.Options{}, pades.ErrMalformed},
		{"too much", append(bytes.Clone(pdf), bytes.Repeat([]byte{'\n'}, 17<<20)...), pades.Options{}, pades.ErrTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.o.At = at()
			if _, err := pades.Prepare(c.pdf, c.o); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := pades.Prepare(pdf, pades.Options{}); err == nil {
		t.Error("a signature without its moment")
	}
	if d, err := pades.PrepareDocTimeStamp(classic(certified), pades.Options{}); err != nil || d == nil {
		t.Errorf("a certified file may be time-stamped: %v", err)
	}
}

// Every byte of a signed file matters: those of the signature, of its padding and
// of everything around it.
func TestTampering(t *testing.T) {
	ca := pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 0), at())
	key := pkitest.Key(t, 1)
	d, err := pades.Prepare(classic(contract()), pades.Options{At: at(), Room: 1600})
	if err != nil {
		t.Fatal(err)
	}
	message, err := cms.SignPAdES(key, ca.Issue(t, key.Public(), pkitest.Leaf{CN: "Hanako"}), d.Content())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := d.Embed(message)
	if err != nil {
		t.Fatal(err)
	}
	check := func(pdf []byte) error {
		list, err := pades.Signatures(pdf)
		if err != nil {
			return err
		}
		if _, err := cms.VerifyPAdES(list[0].CMS, list[0].Content); err != nil {
			return err
		}
		return list[0].Intact()
	}
	if err := check(signed); err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		forged := bytes.Clone(signed)
		forged[i] ^= 1
		if check(forged) == nil {
			t.Errorf("byte %d, %q, changed and nobody noticed", i, signed[i])
		}
	}
}

func TestEmbedRefuses(t *testing.T) {
	d, err := pades.Prepare(classic(contract()), pades.Options{At: at(), Room: 100})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cms  []byte
		want error
	}{
		"more than there is room for": {der(1, 200), pades.ErrRoom},
		"nothing":                     {nil, pades.ErrNotDER},
		"PEM":                         {[]byte("-----BEGIN"), pades.ErrNotDER},
		"DER and a byte":              {append(bytes.Clone(token), 0), pades.ErrNotDER},
	} {
		if _, err := d.Embed(c.cms); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Embed(der(1, 96)); err != nil {
		t.Errorf("exactly as much as there is room for: %v", err)
	}
}

// A signature that was read gets a longer message, then a shorter one.
func TestAnotherMessageInItsPlace(t *testing.T) {
	first := sign(t, classic(contract()), pades.Options{Room: 100})
	for _, message := range [][]byte{der(1, 96), token} {
		s := signatures(t, first)[0]
		var err error
		if first, err = s.Embed(first, message); err != nil {
			t.Fatal(err)
		}
		again := signatures(t, first)[0]
		if !bytes.Equal(again.CMS, message) || !bytes.Equal(again.Content, s.Content) {
			t.Errorf("%x, over the same: %v", again.CMS, bytes.Equal(again.Content, s.Content))
		}
		if _, err := again.Embed(first, der(1, 97)); !errors.Is(err, pades.ErrRoom) {
			t.Errorf("got %v", err)
		}
	}
	second := sign(t, first, pades.Options{})
	if _, err := signatures(t, second)[0].Embed(second, token); !errors.Is(err, pades.ErrCovered) {
		t.Errorf("got %v", err)
	}
	if _, err := signatures(t, second)[1].Embed(first, token); !errors.Is(err, pades.ErrCovered) {
		t.Errorf("got %v", err)
	}
}

func TestMomentsOfOthers(t *testing.T) {
	for written, want := range map[string]time.Time{
		"D:20261127183000+09'00'": at(),
		"D:20261127183000+09'00":  at(),
		"D:20261127040000-05'30'": at(),
		"D:20261127093000Z00'00'": at(),
		"D:2026":                  {},
		"yesterday, at about ten": {},
	} {
		signed := sign(t, classic(contract()), pades.Options{Reason: strings.Repeat("r", 60)})
		// M is before Reason in the dictionary; both are covered, which nothing here checks.
		from := bytes.Index(signed, []byte("/M <"))
		to := from + bytes.IndexByte(signed[from:], '>') + 1
		old := string(signed[from:to])
		entry := "/M (" + written + ")"
		if len(entry) > len(old) {
			t.Fatalf("%q is too long for the place of %q", entry, old)
		}
		forged := swap(t, signed, old, entry+strings.Repeat(" ", len(old)-len(entry)))
		if got := signatures(t, forged)[0].Moment; !got.Equal(want) {
			t.Errorf("%s: %v", written, got)
		}
	}
}
