package bank

import (
	"bytes"
	"testing"
	"time"
)

// The id opens the receipt without a login, and a guardian reads the document.
func TestADocumentNamesNoSecret(t *testing.T) {
	const id = "AAAAAAAAAAAAAAAAAAAAAAAAAA"
	who := Attributes{Name: "手形　楓", Birthdate: "2010-05-05", Gender: "female", Address: "見本県手形市一丁目2番3号"}
	for _, minor := range []bool{false, true} {
		text := Document(id, time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), who, Choices{Product: Deposit, Occupation: "student", Purpose: "savings"}, minor)
		if bytes.Contains(text, []byte(id)) {
			t.Errorf("the document names the id:\n%s", text)
		}
		if !bytes.Contains(text, []byte("申込番号："+Reference(id)+"\n")) {
			t.Errorf("the document names no reference:\n%s", text)
		}
	}
	if Reference(id) == Reference(id+"A") || len(Reference(id)) != 12 {
		t.Errorf("references %s and %s", Reference(id), Reference(id+"A"))
	}
}
