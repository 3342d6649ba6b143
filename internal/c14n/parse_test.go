package c14n_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tegata/internal/c14n"
)

func TestRefused(t *testing.T) {
	cases := []struct {
		name, xml string
		want      error
	}{
		{"an internal DTD", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, c14n.ErrDTD},
		{"an external DTD", `<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>`, c14n.ErrDTD},
		{"a bare document type", `<!DOCTYPE html><a/>`, c14n.ErrDTD},
		{"an entity nobody declared", `<a>&file;</a>`, c14n.ErrEntity},
		{"an entity in an attribute", `<a b="&file;"/>`, c14n.ErrEntity},
		{"a parameter entity where text is", `<a>&%x;</a>`, c14n.ErrEntity},
		{"nothing", ``, c14n.ErrMalformed},
		{"only a comment", `<!-- -->`, c14n.ErrMalformed},
		{"an element that does not end", `<a><b></b>`, c14n.ErrMalformed},
		{"tags that cross", `<a><b></a></b>`, c14n.ErrMalformed},
		{"two document elements", `<a/><b/>`, c14n.ErrMalformed},
		{"text before the element", `x<a/>`, c14n.ErrMalformed},
		{"CDATA after the element", `<a/><![CDATA[x]]>`, c14n.ErrMalformed},
		{"a declaration inside", `<a><!ELEMENT b ANY></a>`, c14n.ErrMalformed},
		{"a comment with --", `<a><!-- a -- b --></a>`, c14n.ErrMalformed},
		{"an instruction called xml", `<a><?XML version="1.0"?></a>`, c14n.ErrMalformed},
		{"white space before the XML declaration", ` <?xml version="1.0"?><a/>`, c14n.ErrMalformed},
		{"XML 1.1", `<?xml version="1.1"?><a/>`, c14n.ErrMalformed},
		{"another encoding", `<?xml version="1.0" encoding="Shift_JIS"?><a/>`, c14n.ErrMalformed},
		{"UTF-16", "\xfe\xff\x00<\x00a\x00/\x00>", c14n.ErrMalformed},
		{"bytes that are not UTF-8", "<a>\xc3\x28</a>", c14n.ErrMalformed},
		{"an overlong <", "<a>\xc0\xbc</a>", c14n.ErrMalformed},
		{"a control character", "<a>\x0b</a>", c14n.ErrMalformed},
		{"a reference to a control character", `<a>&#0;</a>`, c14n.ErrMalformed},
		{"a reference to half a character", `<a>&#xD800;</a>`, c14n.ErrMalformed},
		{"a reference beyond Unicode", `<a>&#x110000;</a>`, c14n.ErrMalformed},
		{"a reference with a sign", `<a>&#+65;</a>`, c14n.ErrMalformed},
		{"a reference that does not end", `<a>&#65</a>`, c14n.ErrMalformed},
		{"< in an attribute", `<a b="<"/>`, c14n.ErrMalformed},
		{"an attribute without quotes", `<a b=c/>`, c14n.ErrMalformed},
		{"an attribute without a value", `<a b/>`, c14n.ErrMalformed},
		{"attributes that touch", `<a b="c"d="e"/>`, c14n.ErrMalformed},
		{"an attribute twice", `<a b="1" b="2"/>`, c14n.ErrMalformed},
		{"an attribute twice by two prefixes", `<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>`, c14n.ErrMalformed},
		{"]]> in text", `<a>]]></a>`, c14n.ErrMalformed},
		{"a prefix that is not declared", `<p:a/>`, c14n.ErrMalformed},
		{"an attribute's prefix that is not declared", `<a p:b=""/>`, c14n.ErrMalformed},
		{"a prefix out of scope", `<a><b xmlns:p="urn:x"/><p:c/></a>`, c14n.ErrMalformed},
		{"a prefix undeclared", `<a xmlns:p=""/>`, c14n.ErrMalformed},
		{"a relative namespace", `<a xmlns="other"/>`, c14n.ErrMalformed},
		{"a namespace name that would have to be escaped", `<a xmlns:p="urn:a?b&amp;c"/>`, c14n.ErrMalformed},
		{"a namespace name with white space", `<a xmlns:p="urn:a&#10;"/>`, c14n.ErrMalformed},
		{"a namespace declared twice", `<a xmlns:p="urn:x" xmlns:p="urn:y"/>`, c14n.ErrMalformed},
		{"xml bound to something else", `<a xmlns:xml="urn:x"/>`, c14n.ErrMalformed},
		{"something else bound to xml's namespace", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, c14n.ErrMalformed},
		{"xmlns bound", `<a xmlns:xmlns="urn:x"/>`, c14n.ErrMalformed},
		{"two colons", `<a:b:c xmlns:a="urn:x"/>`, c14n.ErrMalformed},
		{"a name that begins with a digit behind its prefix", `<a:1 xmlns:a="urn:x"/>`, c14n.ErrMalformed},
		{"too deep", strings.Repeat("<a>", 101) + strings.Repeat("</a>", 101), c14n.ErrLimit},
		{"too many nodes", "<a>" + strings.Repeat("<b/>", 100_001) + "</a>", c14n.ErrLimit},
		{"too many attributes", "<a" + manyAttributes(129) + "/>", c14n.ErrLimit},
		{"too many namespaces in force", deepNamespaces(), c14n.ErrLimit},
		{"too long a name", "<" + strings.Repeat("a", 513) + "/>", c14n.ErrLimit},
		{"too large", "<a>" + strings.Repeat("x", c14n.MaxSize) + "</a>", c14n.ErrLimit},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c14n.Parse([]byte(c.xml)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// numbered is a name of its own for each number below 676.
// Wherever a control character, half a character or a byte of no encoding stands.
func TestCharactersAreLookedAtEverywhere(t *testing.T) {
	for at := range 40 {
		text := strings.Repeat("~ ", 20)
		for c := range 0x100 {
			_, err := c14n.Parse([]byte("<a>" + text[:at] + string([]byte{byte(c)}) + text[at:] + "</a>"))
			allowed := c == '\t' || c == '\n' || c == '\r' || c >= ' ' && c < 0x80 && c != '<' && c != '&'
			if allowed != (err == nil) {
				t.Errorf("byte %#x after %d: %v", c, at, err)
			}
		}
	}
}

func numbered(i int) string { return string([]byte{byte('a' + i/26), byte('a' + i%26)}) }

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" " + numbered(i) + `="1"`)
	}
	return b.String()
}

func deepNamespaces() string {
	var b strings.Builder
	for i := range 2 {
		b.WriteString("<a")
		for j := range 70 {
			b.WriteString(" xmlns:" + numbered(70*i+j) + `="urn:x"`)
		}
		b.WriteString(">")
	}
	return b.String() + "</a></a>"
}

func TestPlacesInTheSource(t *testing.T) {
	source := "\ufeff<?xml version=\"1.0\"?>\n<a  b = '1'><c/>文<d >x</d\n></a><!--end-->"
	doc, err := c14n.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root
	for i, want := range []string{"<c/>", "文", "<d >x</d\n>"} {
		if n := root.Children[i]; source[n.Start:n.End] != want {
			t.Errorf("child %d is %q, want %q", i, source[n.Start:n.End], want)
		}
	}
	if got := source[root.ContentStart:root.ContentEnd]; got != "<c/>文<d >x</d\n>" {
		t.Errorf("content %q", got)
	}
	if got := string(doc.Trimmed([]byte(source))); got != "<a  b = '1'><c/>文<d >x</d\n></a><!--end-->" {
		t.Errorf("trimmed %q", got)
	}
	if c := root.Children[0]; c.ContentStart != c.End || c.ContentEnd != c.End {
		t.Error("an empty-element tag has content")
	}
}

// Short names of long namespaces, used again and again, must not fill the memory.
func TestACanonicalFormIsBounded(t *testing.T) {
	long := "urn:" + strings.Repeat("x", 500)
	doc, err := c14n.Parse([]byte(`<a xmlns:p="` + long + `">` + strings.Repeat("<p:b/>", 90_000) + "</a>"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (c14n.Method{Exclusive: true}).Document(doc, nil); !errors.Is(err, c14n.ErrLimit) {
		t.Errorf("got %v", err)
	}
}

// What parses is written canonically, what is written parses, and is written again
// as the same bytes.
func FuzzCanonical(f *testing.F) {
	for _, c := range nasty {
		f.Add([]byte(c.xml))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		doc, err := c14n.Parse(source)
		if err != nil {
			return
		}
		for _, m := range []c14n.Method{{Comments: true}, {Comments: true, V11: true}, {Comments: true, Exclusive: true}} {
			once, err := m.Document(doc, nil)
			if errors.Is(err, c14n.ErrLimit) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			again, err := c14n.Parse(once)
			if errors.Is(err, c14n.ErrLimit) {
				continue // canonical forms are longer
			}
			if err != nil {
				t.Fatalf("%q was written from %q and does not parse: %v", once, source, err)
			}
			if twice, err := m.Document(again, nil); err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%q became %q (%v)", once, twice, err)
			}
		}
	})
}
