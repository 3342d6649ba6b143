package ceremony_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tegata/internal/ceremony"
)

// A request with one document is, to the byte, what parties and phones wrote and read
// before there could be several.
func TestOneDocumentIsWrittenAsEver(t *testing.T) {
	d := ceremony.Document{Name: "a.txt", Format: "cades", MediaType: "text/plain", SHA256: strings.Repeat("A", 43)}
	r := ceremony.Request{ID: "id"}
	r.PlaceDocuments("http://verifier.localhost:8402", d)
	text, err := json.Marshal(r)
	want := `"document":{"name":"a.txt","format":"cades","media_type":"text/plain","sha256":"` + d.SHA256 + `","url":"http://verifier.localhost:8402/v1/requests/id/document"},"channel"`
	if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), `"documents"`) {
		t.Errorf("%s, %v", text, err)
	}
	text, err = json.Marshal(ceremony.SignStart{Document: []byte("a")})
	if err != nil || string(text) != `{"request":"","document":"YQ=="}` {
		t.Errorf("%s, %v", text, err)
	}
	two := ceremony.Request{ID: "id"}
	two.PlaceDocuments("http://verifier.localhost:8402", d, d)
	if two.Document != nil || len(two.ToSign()) != 2 || two.Documents[1].URL != "http://verifier.localhost:8402/v1/requests/id/documents/2" || !two.DocumentsAt("http://verifier.localhost:8402") ||
		two.DocumentsAt("http://elsewhere.localhost:8402") {
		t.Errorf("%+v", two)
	}
}
