package c14n_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tegata/internal/c14n"
	"tegata/internal/pkitest"
)

// nasty are documents on which canonicalisers differ.
var nasty = []struct{ name, xml string }{
	{"instructions, comments and white space around the element",
		"<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!<!-- 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- 2 -->\n<!-- 3 -->\n"},
	{"white space inside", "<doc>\n   <clean>   </clean>\n   <mixed>\n      A\n      <clean>   </clean>\n      B\n   </mixed>\n</doc>"},
	{"start and end tags", `<doc><e1   /><e2   ></e2><e3   name = "elem3"   id="elem3"   /><e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm"
      xmlns:b="http://www.ietf.org" xmlns:a="http://www.w3.org" xmlns="http://example.org"/></doc>`},
	{"a default namespace and back", `<doc><e6 xmlns="" xmlns:a="http://www.w3.org"><e7 xmlns="http://www.ietf.org"><e8 xmlns="" xmlns:a="http://www.w3.org"><e9 xmlns="" xmlns:a="http://www.ietf.org" a:x="1"/></e8></e7></e6></doc>`},
	{"character references", "<doc><text>First line&#x0d;&#10;Second line</text><value>&#x32;</value><compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute><norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/></doc>"},
	{"line ends of all kinds", "<doc a=\"1\r\n2\r3\n4\t5\">1\r\n2\r3\n4<!-- \r\n --><?pi \r\n x?><![CDATA[\r\n]]></doc>"},
	{"attributes in the order of their namespaces", `<doc xmlns:z="urn:a" xmlns:a="urn:z" a:x="1" z:x="2" x="3" xml:lang="ja" z:a="4"/>`},
	{"characters beyond the first plane, and combining ones", "<doc 名前=\"𠮷野家\">か\u3099が ç c\u0327 &#x20BB7; 葛\U000E0100</doc>"},
	{"markup characters", `<doc a="&lt;&amp;&gt;&quot;&apos;" b='"'>&lt;&amp;&gt;&quot;&apos; > "</doc>`},
	{"prefixes declared and not used", `<a:doc xmlns:a="urn:a" xmlns:b="urn:b" xmlns="urn:c"><b xmlns:b="urn:b2"/><a:x xmlns:a="urn:a"><b:y/></a:x></a:doc>`},
	{"a prefix bound anew", `<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:2"><p:c xmlns:p="urn:1"/></p:b><p:d/></p:a>`},
	{"a default namespace used late", `<a xmlns="urn:x"><p:b xmlns:p="urn:p"><c/><d xmlns=""/></p:b></a>`},
	{"an empty default namespace for nothing", `<a xmlns=""><b xmlns=""/></a>`},
	{"an attribute with a prefix on an element without", `<a xmlns:p="urn:p"><b p:c="1"><p:d p:c="2"/></b></a>`},
	{"empty CDATA and CDATA with brackets", `<a><![CDATA[]]>x<![CDATA[]]]]><![CDATA[>]]></a>`},
	{"references, CDATA and line ends in one text", "<a>&lt;1\r<![CDATA[\n2&amp;]]>&amp;3\r&#10;4&gt;\r\n<![CDATA[]]>]]&gt;<b/>&#13;</a>"},
	{"xml attributes", `<a xml:lang="ja" xml:space="preserve" xml:id="i" xml:base="http://example.org/"><b xml:lang="en"> x </b></a>`},
	{"a byte order mark", "\ufeff<a>x</a>"},
}

func TestXMLLintWritesTheSame(t *testing.T) {
	xmllint := pkitest.Tool(t, "xmllint")
	dir := t.TempDir()
	for flag, m := range map[string]c14n.Method{
		"--c14n":     {Comments: true},
		"--c14n11":   {Comments: true, V11: true},
		"--exc-c14n": {Comments: true, Exclusive: true},
	} {
		for _, c := range nasty {
			t.Run(flag+" "+c.name, func(t *testing.T) {
				path := filepath.Join(dir, "in.xml")
				if err := os.WriteFile(path, []byte(c.xml), 0o600); err != nil {
					t.Fatal(err)
				}
				want, err := exec.Command(xmllint, "--nonet", flag, path).Output()
				if err != nil {
					t.Fatalf("xmllint: %v", err)
				}
				doc, err := c14n.Parse([]byte(c.xml))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := m.Document(doc, nil); err != nil || string(got) != string(want) {
					t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
				}
			})
		}
	}
}

// The examples of Canonical XML 1.0 (sections 2.4 and 3.7), 1.1, and Exclusive XML
// Canonicalization (section 2.2), for an element of a document.
func TestAnElementInItsContext(t *testing.T) {
	const (
		inner     = `<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2>`
		pdu       = `<n0:pdu xmlns:n0="http://a.example" xmlns="http://d.example" xml:lang="fr" xml:space="retain" xml:id="i">` + inner + `</n0:pdu>`
		exclusive = `<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`
	)
	cases := []struct {
		name, xml string
		method    c14n.Method
		want      string
	}{
		{"1.0 takes namespaces and every attribute of xml: from above", pdu, c14n.Method{},
			`<n1:elem2 xmlns="http://d.example" xmlns:n0="http://a.example" xmlns:n1="http://example.net" xml:id="i" xml:lang="en" xml:space="retain">` +
				`<n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`},
		{"1.1 leaves ids where they are", pdu, c14n.Method{V11: true},
			`<n1:elem2 xmlns="http://d.example" xmlns:n0="http://a.example" xmlns:n1="http://example.net" xml:lang="en" xml:space="retain">` +
				`<n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`},
		{"the exclusive form takes nothing", pdu, c14n.Method{Exclusive: true}, exclusive},
		{"nor does it elsewhere", inner, c14n.Method{Exclusive: true}, exclusive},
		{"but what is on its list", pdu, c14n.Method{Exclusive: true, Inclusive: []string{"n0", "", "absent"}},
			`<n1:elem2 xmlns="http://d.example" xmlns:n0="http://a.example" xmlns:n1="http://example.net" xml:lang="en">` +
				`<n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`},
		{"an element below a default namespace that is taken back", `<a xmlns="urn:a"><b xmlns=""><c/></b></a>`, c14n.Method{}, `<b><c></c></b>`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc, err := c14n.Parse([]byte(c.xml))
			if err != nil {
				t.Fatal(err)
			}
			e := doc.Root
			if e.Local != "elem2" {
				e = e.Children[0]
			}
			if got, err := c.method.Element(e, nil); err != nil || string(got) != c.want {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	doc, err := c14n.Parse([]byte(`<?a?><!--1--><a><b>x</b>y<!--2--><c/></a><!--3--><?z?>`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := (c14n.Method{}).Document(doc, doc.Root.Children[0]); err != nil || string(got) != "<?a?>\n<a>y<c></c></a>\n<?z?>" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestBasesAreNotJoined(t *testing.T) {
	doc, err := c14n.Parse([]byte(`<a xml:base="http://example.org/x/"><b xml:base="../y/"><c/></b></a>`))
	if err != nil {
		t.Fatal(err)
	}
	c := doc.Root.Children[0].Children[0]
	if _, err := (c14n.Method{V11: true}).Element(c, nil); !errors.Is(err, c14n.ErrBase) {
		t.Errorf("1.1: %v", err)
	}
	if got, err := (c14n.Method{}).Element(c, nil); err != nil || string(got) != `<c xml:base="../y/"></c>` {
		t.Errorf("1.0: %s, %v", got, err)
	}
}

func TestUnseenDeclarations(t *testing.T) {
	const none = "none"
	for xml, want := range map[string]string{
		`<a xmlns:p="urn:p" t="p:x"/>`:                             "p",
		`<a xmlns:p="urn:p"><p:b/></a>`:                            none,
		`<a xmlns:p="urn:p"><p:b xmlns:p="urn:p"/></a>`:            "p", // the outer one is nobody's
		`<a xmlns:p="urn:p"><p:b><p:c xmlns:p="urn:p"/></p:b></a>`: none,
		`<p:a xmlns:p="urn:p" xmlns="urn:d"/>`:                     "",
		`<a xmlns=""><skip xmlns:q="urn:q"/></a>`:                  none,
		`<a xmlns:q="urn:q"><skip><q:b/></skip></a>`:               "q", // used only where nobody looks
		`<a xmlns:xml="` + c14n.SpaceXML + `" xml:lang="ja"/>`:     none,
	} {
		doc, err := c14n.Parse([]byte(xml))
		if err != nil {
			t.Fatal(err)
		}
		var skip *c14n.Node
		if first := doc.Root.Children; len(first) > 0 && first[0].Local == "skip" {
			skip = first[0]
		}
		prefix, found := c14n.Method{Exclusive: true}.Unseen(doc.Root, skip)
		if !found {
			prefix = none
		}
		if prefix != want {
			t.Errorf("%s: %q, want %q", xml, prefix, want)
		}
		if _, found := (c14n.Method{}).Unseen(doc.Root, skip); found {
			t.Errorf("%s: Canonical XML leaves nothing out", xml)
		}
	}
}
