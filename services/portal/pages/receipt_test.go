package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/internal/receipt"
)

// greenPortal has a receipt of a phone that was given up properly.
type greenPortal struct{ awayPortal }

func (greenPortal) ReceiptOf(context.Context, string) (receipt.Revocation, error) {
	return receiptOf(true), nil
}

// Whoever sells a phone may send the shop any link, and write another phone's tag into
// it. The answer is for who typed the tag.
func TestALinkNeverShowsAGreenReceipt(t *testing.T) {
	h, err := New(Options{Portal: greenPortal{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"id": {"pTz7Jq0c5Zf1k2wYdWmX3A"}, "tag": {receiptOf(true).Tag}}
	ask := func(r *http.Request) string {
		w := httptest.NewRecorder()
		h.Routes().ServeHTTP(w, r)
		return w.Body.String()
	}
	const green = "notice-ok"
	if page := ask(httptest.NewRequest(http.MethodGet, "/receipt?"+form.Encode(), nil)); strings.Contains(page, green) || strings.Contains(page, `value="`+form.Get("tag")) ||
		!strings.Contains(page, form.Get("id")) {
		t.Error("a link brought more than the number")
	}
	r := httptest.NewRequest(http.MethodPost, "/receipt?"+form.Encode(), strings.NewReader("id="+form.Get("id")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if page := ask(r); strings.Contains(page, green) {
		t.Error("the tag of the address counted")
	}
	r = httptest.NewRequest(http.MethodPost, "/receipt", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if page := ask(r); !strings.Contains(page, green) || !strings.Contains(page, "このスマホの画面に、いまこの印が") {
		t.Error("the shop that typed it does not see green, or is not asked to look")
	}
}
