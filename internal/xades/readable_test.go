package xades_test

import (
	"errors"
	"slices"
	"testing"

	"tegata/internal/xades"
)

func TestReadable(t *testing.T) {
	document := "<?xml version='1.0'?><?style evil.css?><!-- top -->\n<契約 xmlns='urn:c' xmlns:t='urn:t' t:版='2'>\n" +
		"  <甲>田中&#x202E;</甲>\n  <文>前<強>中</強>後<!-- hidden -->末</文>\n  <空/>\n  <行>一\n二</行><w> \u3164</w>\n</契約>"
	want := []xades.Line{
		{xades.LineInstruction, 0, "style", "evil.css"},
		{xades.LineComment, 0, "", " top "},
		{xades.LineElement, 0, "契約", ""},
		{xades.LineNamespace, 1, "", "urn:c"},
		{xades.LineNamespace, 1, "t", "urn:t"},
		{xades.LineAttribute, 1, "t:版", "2"},
		{xades.LineElement, 1, "甲", "田中[U+202E]"},
		{xades.LineElement, 1, "文", ""},
		{xades.LineText, 2, "", "前"},
		{xades.LineElement, 2, "強", "中"},
		{xades.LineText, 2, "", "後"},
		{xades.LineComment, 2, "", " hidden "},
		{xades.LineText, 2, "", "末"},
		{xades.LineElement, 1, "空", ""},
		{xades.LineElement, 1, "行", "一\n二"},
		{xades.LineElement, 1, "w", " [U+3164]"},
	}
	got, err := xades.Readable([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := xades.Readable([]byte("<!DOCTYPE a><a/>")); !errors.Is(err, xades.ErrDTD) {
		t.Errorf("a DTD: %v", err)
	}
}

// The kanji of a name may be chosen by a variation selector; that is no trick.
func TestNamesStayAsTheyAreWritten(t *testing.T) {
	got, err := xades.Readable([]byte("<氏名>葛\U000E0100城　が\u3099</氏名>"))
	if err != nil || len(got) != 1 || got[0].Value != "葛\U000E0100城　が\u3099" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMeaning(t *testing.T) {
	for document, want := range map[string]error{
		"<a>1</a>":                                  nil,
		"<a><b c='1'/></a>":                         nil,
		"<a><![CDATA[x]]></a>":                      nil,
		"<a><p:b xmlns:p='urn:p' p:c='1'/></a>":     nil,
		"<a/>":                                      xades.ErrMeaningless,
		"<a>\n <b> </b>\u3000\u00a0</a>":            xades.ErrMeaningless,
		"<a b='' c=' '/>":                           xades.ErrMeaningless,
		"<a>\u200b\u202e\u3164</a>":                 xades.ErrMeaningless,
		"<a Id='x' xml:lang='ja' xmlns:p='urn:p'/>": xades.ErrMeaningless,
		"<a><!-- sign this --><?do it?></a>":        xades.ErrMeaningless,
		"<s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'><s:Object MimeType='x'/></s:Signature>":              xades.ErrMeaningless,
		"<a><s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'><s:SignedInfo>x</s:SignedInfo></s:Signature></a>": xades.ErrMeaningless,
		"<s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'><s:Object>x</s:Object></s:Signature>":                nil,
		"<a>":        xades.ErrMalformed,
		"<a>&x;</a>": xades.ErrEntity,
	} {
		if err := xades.CheckMeaning([]byte(document)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: got %v, want %v", document, err, want)
		}
	}
}

func TestWhatLooksLikeXML(t *testing.T) {
	for data, want := range map[string]bool{"<a/>": true, "\ufeff<?xml": true, " \n<a": true, "": false, "%PDF-1.7": false, "0\x82<": false} {
		if xades.Is([]byte(data)) != want {
			t.Errorf("%q: not %v", data, want)
		}
	}
}
