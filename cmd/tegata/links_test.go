package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/verifier/document"
	"tegata/verifier/gateway"
)

// At a verifier that is no OpenID Provider a portal finds that nothing is linked, not
// that something is out of order.
func TestAVerifierWithoutOpenIDConnectHasNoLinks(t *testing.T) {
	v := &verifier{room: &room{}, gateway: &gateway.Gateway{}, document: &document.Handler{}}
	w := httptest.NewRecorder()
	v.routes().ServeHTTP(w, httptest.NewRequest("GET", "/v1/links", nil))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"links":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
