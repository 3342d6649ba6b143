package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tegata/internal/pades"
)

// A tail is a file whose cross-reference section is the given text.
func tail(section string) []byte {
	out := []byte("%PDF-1.7\n")
	start := len(out)
	return fmt.Appendf(out, "%s\nstartxref\n%d\n%%%%EOF\n", section, start)
}

// Files that are there to use up memory or time are refused, and soon.
func TestFilesThatWantTooMuch(t *testing.T) {
	with := func(o map[int]string) []byte {
		c := contract()
		maps.Copy(c, o)
		return classic(c)
	}
	compressed := func(data []byte, entries string) string {
		p := deflated(data)
		return fmt.Sprintf("<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream", entries, len(p), p)
	}
	bomb := bytes.Repeat([]byte(" "), 40<<20)
	var chain strings.Builder // 250 updates
	chain.WriteString("%PDF-1.7\n")
	prev := ""
	for range 250 {
		at := chain.Len()
		fmt.Fprintf(&chain, "xref\n0 0\ntrailer\n<< /Size 1 %s >>\n", prev)
		prev = fmt.Sprintf("/Prev %d", at)
	}
	fmt.Fprintf(&chain, "xref\n0 0\ntrailer\n<< /Size 1 %s >>\nstartxref\n%s\n%%%%EOF\n", prev, strings.TrimPrefix(prev, "/Prev "))
	nested := strings.Builder{} // objects inside each other: each is read to the end
	for n := 10; n < 3000; n++ {
		fmt.Fprintf(&nested, "%d 0 obj\n(", n)
	}
	nested.WriteString(strings.Repeat(" ", 4<<20))
	overlapping := edit{objects: map[int]string{8: nested.String()}, points: map[int]int{}}
	base := classic(contract())
	cases := []struct {
		name string
		pdf  []byte
		want error
	}{
		{"a section that refers to itself", tail("xref\n0 0\ntrailer\n<< /Size 1 /Prev 9 >>"), pades.ErrMalformed},
		{"250 sections", []byte(chain.String()), pades.ErrTooLarge},
		{"a Prev beyond the end", tail("xref\n0 0\ntrailer\n<< /Size 1 /Prev 999999999 >>"), pades.ErrMalformed},
		{"a negative Prev", tail("xref\n0 0\ntrailer\n<< /Size 1 /Prev -9 >>"), pades.ErrMalformed},
		{"four billion entries", tail("xref\n0 4294967295\ntrailer\n<< /Size 1 >>"), pades.ErrMalformed},
		{"an object number of ten digits", tail("xref\n4294967295 1\n0000000000 00000 n \ntrailer\n<< /Size 1 >>"), pades.ErrMalformed},
		{"four billion entries in a stream", tail("1 0 obj\n" + compressed([]byte{0, 0, 0}, "/Type /XRef /W [1 1 1] /Size 4294967295") + "\nendobj"), pades.ErrMalformed},
		{"entries of no bytes", tail("1 0 obj\n" + compressed([]byte{0, 0, 0}, "/Type /XRef /W [0 0 0] /Size 4294967295") + "\nendobj"), pades.ErrMalformed},
		{"offsets of eight bytes", tail("1 0 obj\n" + compressed(bytes.Repeat([]byte{255}, 24), "/Type /XRef /W [8 8 8] /Size 1") + "\nendobj"), pades.ErrMalformed},
		{"a million entries", tail("1 0 obj\n" + compressed(make([]byte, 1<<20), "/Type /XRef /W [1 0 0] /Size 1000000") + "\nendobj"), pades.ErrTooLarge},
		{"a bomb as cross-reference", tail("1 0 obj\n" + compressed(bomb, "/Type /XRef /W [1 1 1] /Size 1") + "\nendobj"), pades.ErrTooLarge},
		{"a bomb as page", with(map[int]string{4: compressed(bomb, "")}), pades.ErrTooLarge},
		{"a bomb in a bomb as page", with(map[int]string{4: compressed(deflated(bomb), "/Filter [/FlateDecode /FlateDecode] /X")}), pades.ErrMalformed},
		{"ten filters", with(map[int]string{4: "<< /Length 0 /Filter [/Fl /Fl /Fl /Fl /Fl /Fl /Fl /Fl /Fl /Fl] >>\nstream\n\nendstream"}), pades.ErrUnsupported},
		{"an unknown filter", with(map[int]string{4: "<< /Length 0 /Filter /Foo >>\nstream\n\nendstream"}), pades.ErrUnsupported},
		{"arrays a million deep", with(map[int]string{1: strings.Repeat("[", 1<<20)}), pades.ErrTooLarge},
		{"dictionaries a hundred deep", with(map[int]string{1: strings.Repeat("<< /A ", 100) + "1" + strings.Repeat(" >>", 100)}), pades.ErrTooLarge},
		{"two million values", with(map[int]string{1: "[" + strings.Repeat("1 ", 2<<20) + "]"}), pades.ErrTooLarge},
		{"a page tree in a circle", with(map[int]string{2: "<< /Type /Pages /Kids [2 0 R] >>"}), pades.ErrMalformed},
		{"a stream whose length is itself", with(map[int]string{4: "<< /Length 4 0 R >>\nstream\n\nendstream"}), pades.ErrMalformed},
		{"a length beyond the end", with(map[int]string{4: "<< /Length 999999999 >>\nstream\n\nendstream"}), pades.ErrMalformed},
		{"a length that cuts the stream", with(map[int]string{4: "<< /Length 2 >>\nstream\nBT ET\nendstream"}), pades.ErrMalformed},
		{"a catalog that is itself", with(map[int]string{1: "1 0 R"}), pades.ErrMalformed},
		{"a key twice", with(map[int]string{1: "<< /Pages 2 0 R /Pages 3 0 R >>"}), pades.ErrMalformed},
		{"the same key written differently", with(map[int]string{1: "<< /Pages 2 0 R /P#61ges 3 0 R >>"}), pades.ErrMalformed},
		{"an object twice in one section", tail("xref\n1 1\n0000000009 00000 n \n1 1\n0000000009 00000 n \ntrailer\n<< /Size 1 >>"), pades.ErrMalformed},
		{"an object that is elsewhere", bytes.Replace(base, []byte("1 0 obj"), []byte("8 0 obj"), 1), pades.ErrMalformed},
		{"no end", with(map[int]string{1: "<< /Type /Catalog"}), pades.ErrMalformed},
		{"objects inside each other", overlapping.on(base), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			err := pades.CheckMeaning(c.pdf)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if _, err := pades.Signatures(c.pdf); err == nil {
				t.Error("it has signatures")
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Thousands of objects that lie inside each other are read once each, to the end;
// the sum is bounded.
func TestObjectsInsideEachOther(t *testing.T) {
	var body strings.Builder
	points := map[int]int{}
	signed := sign(t, classic(contract()), pades.Options{})
	for n := 20; n < 4000; n++ {
		points[n] = len(signed) + body.Len()
		fmt.Fprintf(&body, "%d 0 obj\n(", n)
	}
	body.WriteString(strings.Repeat(" ", 1<<20))
	forged := edit{points: points, between: body.String()}.on(signed)
	begin := time.Now()
	if _, err := pades.Signatures(forged); !errors.Is(err, pades.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A large file with many signatures would be copied once for each.
func TestManySignaturesOfALargeFile(t *testing.T) {
	c := contract()
	c[8] = streamOf(strings.Repeat("x", 15<<20))
	pdf := classic(c)
	var err error
	for i := 0; i < 6 && err == nil; i++ {
		pdf = sign(t, pdf, pades.Options{})
		_, err = pades.Signatures(pdf)
		if i < 4 && err != nil {
			t.Errorf("%d signatures: %v", i+1, err)
		}
	}
	if !errors.Is(err, pades.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// Whatever the bytes are: no panic, and what is read is what is there.
func FuzzSignatures(f *testing.F) {
	signed := sign(f, classic(contract()), pades.Options{})
	f.Add(signed)
	f.Add(sign(f, modern(contract()), pades.Options{}))
	f.Add(sign(f, signed, pades.Options{}))
	f.Add(edit{objects: map[int]string{4: streamOf(more)}}.on(signed))
	if withStore, err := pades.AddDSS(signed, pades.Evidence{Certificates: [][]byte{der(1, 50)}}); err == nil {
		f.Add(withStore)
	}
	f.Add(modern(contract()))
	f.Fuzz(func(t *testing.T, pdf []byte) {
		begin := time.Now()
		list, err := pades.Signatures(pdf)
		for _, s := range list {
			b := s.ByteRange
			if b[0] != 0 || len(s.Content) != b[1]+b[3] || b[2]+b[3] > len(pdf) || !bytes.Equal(s.Content[:b[1]], pdf[:b[1]]) {
				t.Errorf("byte range %v of %d bytes", b, len(pdf))
			}
			if s.WholeFile != (len(bytes.TrimRight(pdf[b[2]+b[3]:], " \t\r\n\f\x00")) == 0) {
				t.Error("WholeFile")
			}
		}
		if err == nil && len(list) == 0 {
			t.Error("no signature and no error")
		}
		_ = pades.CheckMeaning(pdf)
		if d, err := pades.Prepare(pdf, pades.Options{At: at(), Room: 16}); err == nil {
			out, err := d.Embed(token)
			if err != nil {
				t.Fatal(err)
			}
			// What was prepared is read back, unless the file's own signatures are refused.
			again, err := pades.Signatures(out)
			if err == nil && !bytes.Equal(again[len(again)-1].Content, d.Content()) {
				t.Error("another content is covered")
			}
			if err != nil && len(list) > 0 {
				t.Errorf("signing a good file spoiled it: %v", err)
			}
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(pdf), took)
		}
	})
}
