package httpd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/internal/httpd"
)

func TestAnOperatorTokenOpensToItselfAlone(t *testing.T) {
	token := httpd.NewOperatorToken()
	var text string
	token.Reveal(func(b []byte) { text = string(b) })
	same, err := httpd.ParseOperatorToken(text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	h := same.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for authorization, want := range map[string]int{
		"Bearer " + text: 204, "Bearer " + text[1:]: 401, "Bearer ": 401, "": 401, text: 401, "Basic " + text: 401,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%.12q…: %d, want %d", authorization, w.Code, want)
		}
		if (httpd.OperatorToken{}).Opens(r) {
			t.Error("no token at all opened")
		}
	}
	printed := fmt.Sprintf("%v %+v %#v %s %x", token, token, token, token, token)
	if _, err := json.Marshal(token); err == nil || strings.Contains(printed, text) {
		t.Errorf("the token prints: %s", printed)
	}
	for _, bad := range []string{"", "x", text[1:], text + "A"} {
		if _, err := httpd.ParseOperatorToken(bad); err == nil {
			t.Errorf("%d characters were taken for a token", len(bad))
		}
	}
}
