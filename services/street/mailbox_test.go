package street

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// The carrier mails too: its mail stands among the issuer's by its time, and a link in it
// can be followed.
func TestMailOfTheCarrier(t *testing.T) {
	n := newTown(t)
	mail := func(id, title, body string, after time.Duration) map[string]any {
		return map[string]any{"id": id, "at": n.clock.Now().Add(after), "to": map[string]string{"channel": "mail", "address": "h@mail.example"}, "kind": "k",
			"ja": map[string]string{"title": title, "body": body}, "en": map[string]string{"title": title, "body": body}}
	}
	n.notices = append(n.notices, mail("1", "認証局から", "x", time.Minute))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/outbox", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		out := []map[string]any{mail("1", "早い通信会社から", "javascript:alert(1)", 0), mail("2", "遅い通信会社から", "開いてください。\nhttp://carrier.localhost:8411/stop/ABC", time.Hour)}
		if r.FormValue("after") != "" {
			out = nil
		}
		httpd.WriteJSON(w, 200, map[string]any{"notices": out})
	}))
	carrier := n.serve(mux)
	n.open(func(c *Config) {
		c.Services = append(c.Services, Service{Role: "carrier", URL: carrier, Title: ui.Text{JA: "通信会社", EN: "Carrier"}})
	})
	_, page := n.get("/mailbox?to=h@mail.example")
	has(t, page, "認証局から", "早い通信会社から", `<a class="serial" href="http://carrier.localhost:8411/stop/ABC">`, "<p>javascript:alert(1)</p>")
	if at := func(s string) int { return strings.Index(page, s) }; at("遅い通信会社から") > at("認証局から") || at("認証局から") > at("早い通信会社から") {
		t.Error("the newest does not come first")
	}
}
