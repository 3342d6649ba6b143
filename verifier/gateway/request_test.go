package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

func TestWhoGetsTheRequest(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	fetch := func(uri, phone string) error { _, err := w.fetch(uri, phone); return err }
	t.Run("the first phone, and that phone again", func(t *testing.T) {
		started := w.must()
		mine := ceremony.NewID()
		for range 2 {
			if err := fetch(started.RequestURI, mine); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, fetch(started.RequestURI, ceremony.NewID()), "request-taken")
	})
	t.Run("a link preview uses nothing up", func(t *testing.T) {
		started := w.must()
		wantCode(t, fetch(started.RequestURI, ""), "phone-header-missing")
		wantCode(t, fetch(started.RequestURI, "short"), "phone-header-missing")
		if err := fetch(started.RequestURI, ceremony.NewID()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a QR code lives 60 seconds", func(t *testing.T) {
		started := w.must(crossing)
		w.advance(61 * time.Second)
		wantCode(t, fetch(started.RequestURI, ceremony.NewID()), "qr-expired")
		w.refresh()
	})
	t.Run("a link lives as long as the request", func(t *testing.T) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		w.advance(5 * time.Minute)
		wantCode(t, fetch(started.RequestURI, p.id), "request-expired")
		_, err := p.answer("good")
		wantCode(t, err, "request-expired")
		w.refresh()
		if r, err := w.result(w.portal, started, ""); err != nil || r.State != ceremony.StateExpired {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("nobody after the answer", func(t *testing.T) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		if _, err := p.answer("good"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, fetch(started.RequestURI, p.id), "request-used")
	})
	t.Run("nothing at an address that nobody made", func(t *testing.T) {
		wantCode(t, fetch(w.config.Origin+"/r/"+ceremony.NewID(), ceremony.NewID()), "request-unknown")
	})
}

func TestWhoLearnsTheResult(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	started := w.must()
	p := w.mustFetch(started.RequestURI)
	taken, err := p.answer("good")
	if err != nil {
		t.Fatal(err)
	}
	code := codeIn(t, taken.Redirect)
	jti := p.req.Unverified().ID
	get := func(id string, header ...httpd.Header) error {
		var out ceremony.Result
		return httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/requests/"+id, &out, header...)
	}
	wantCode(t, get(started.ResultID), "caller-unproved")
	wantCode(t, get(jti, w.bearer(w.portal, code)), "result-unknown") // whoever photographed the code has only this id
	_, err = w.result(w.bank, started, code)
	wantCode(t, err, "result-unknown")
	// A login link mailed to a victim: the attacker began, the victim's browser got
	// the code, the attacker's polls for the verdict.
	r, err := w.result(w.portal, started, "")
	if err != nil || r.Verdict != "" || r.Sub != "" {
		t.Errorf("polling gave %+v, %v", r, err)
	}
	_, err = w.result(w.portal, started, ceremony.NewID())
	wantCode(t, err, "browser-binding-lost")
	header := w.bearer(w.portal, code)
	if err := get(started.ResultID, header); err != nil {
		t.Fatal(err)
	}
	wantCode(t, get(started.ResultID, header), "caller-unproved") // the assertion played back
	_, err = w.result(w.portal, started, code)
	wantCode(t, err, "browser-binding-lost")

	started = w.must()
	if taken, err = w.mustFetch(started.RequestURI).answer("good"); err != nil {
		t.Fatal(err)
	}
	w.advance(60 * time.Second)
	w.refresh()
	_, err = w.result(w.portal, started, codeIn(t, taken.Redirect))
	wantCode(t, err, "browser-binding-lost")
}

func TestRequestsThatAreNotTaken(t *testing.T) {
	requests(t, inFeed(t, sqliteFor(t)))
}

func requests(t *testing.T, w *world) {
	post := func(a actor, compact string) error {
		return httpd.PostJSON(t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: compact}, nil, w.bearer(a, ""))
	}
	for _, c := range []struct {
		name, code string
		by         actor
		change     func(*ceremony.Request)
	}{
		{"an unregistered party", "party-not-registered", w.ghost, func(r *ceremony.Request) { r.Issuer = "ghost" }},
		{"a revoked party", "party-certificate", w.ended, func(r *ceremony.Request) { r.Issuer = "ended" }},
		{"in another party's name", "not-as-registered", w.bank, func(*ceremony.Request) {}},
		{"an unregistered purpose", "not-as-registered", w.bank, func(r *ceremony.Request) {
			r.Issuer, r.Purpose = "bank", ceremony.Purpose{Code: "move", Sentence: moveSentence}
		}},
		{"another sentence", "not-as-registered", w.portal, func(r *ceremony.Request) { r.Purpose.Sentence.JA = "景品が当たりました。" }},
		{"data that is not registered", "not-as-registered", w.bank, func(r *ceremony.Request) { r.Issuer, r.Claims = "bank", []string{"address"} }},
		{"below its purpose's class", "below-risk-floor", w.portal, func(r *ceremony.Request) { r.Purpose = ceremony.Purpose{Code: "health", Sentence: healthSentence} }},
		{"for another verifier", "wrong-audience", w.portal, func(r *ceremony.Request) { r.Audience = "verifier2" }},
		{"an answer address at the party", "wrong-address", w.portal, func(r *ceremony.Request) { r.ResponseURI = "http://portal.localhost:8404/answer" }},
		{"an answer address of another request", "wrong-address", w.portal, func(r *ceremony.Request) {
			r.ResponseURI = w.config.Origin + "/v1/requests/" + ceremony.NewID() + "/answer"
		}},
		{"already over", "request-expired", w.portal, func(r *ceremony.Request) { r.IssuedAt -= 600; r.Expires -= 600 }},
		{"from the future", "request-time", w.portal, func(r *ceremony.Request) { r.IssuedAt += 60; r.Expires += 60 }},
		{"a signature without its document", "document-missing", w.portal, func(r *ceremony.Request) { r.Kind, r.Risk = ceremony.SignDoc, ceremony.R3; sign(w, r) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.start(c.by, w.ask(c.change))
			wantCode(t, err, c.code)
		})
	}
	t.Run("the same request twice", func(t *testing.T) {
		r := w.ask()
		if _, err := w.start(w.portal, r); err != nil {
			t.Fatal(err)
		}
		_, err := w.start(w.portal, r)
		wantCode(t, err, "request-replayed")
		r.ID = ceremony.NewID()
		r.ResponseURI = w.config.Origin + "/v1/requests/" + r.ID + "/answer"
		_, err = w.start(w.portal, r) // the nonce is the same
		wantCode(t, err, "request-replayed")
	})
	t.Run("edited on the way", func(t *testing.T) {
		compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, w.ask())
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(compact, ".")
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var q map[string]any
		if err := json.Unmarshal(body, &q); err != nil {
			t.Fatal(err)
		}
		q["claims"] = []string{"name"}
		body, _ = json.Marshal(q)
		wantCode(t, post(w.portal, parts[0]+"."+base64.RawURLEncoding.EncodeToString(body)+"."+parts[2]), "not-as-registered")
		wantCode(t, post(w.portal, "x"), "request-malformed")
	})
	t.Run("a return address that is not registered", func(t *testing.T) {
		compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, w.ask())
		if err != nil {
			t.Fatal(err)
		}
		err = httpd.PostJSON(t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: compact, ReturnURL: "http://evil.localhost/"}, nil, w.bearer(w.portal, ""))
		wantCode(t, err, "return-url-unknown")
	})
	t.Run("from another site's page, and by another name", func(t *testing.T) {
		for name, set := range map[string]func(*http.Request){
			"wrong-origin": func(r *http.Request) { r.Header.Set("Origin", "http://evil.localhost") },
			"wrong-host":   func(r *http.Request) { r.Host = "evil.example" }, // DNS rebinding
		} {
			req, err := http.NewRequest("POST", w.config.Origin+"/v1/requests", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			set(req)
			resp, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			var p problem.Problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Code != name {
				t.Errorf("got %s, %v; want %s", p.Code, err, name)
			}
			resp.Body.Close()
		}
	})
}

func sign(w *world, r *ceremony.Request) {
	r.Purpose = ceremony.Purpose{Code: "move", Sentence: moveSentence}
	r.Document = &ceremony.Document{Name: "a.txt", Format: "cades", MediaType: "text/plain", SHA256: hashOf("x"), URL: ceremony.DocumentURL(w.config.Origin, r.ID)}
}

// A step that remembers the caller's assertion in its own transaction refuses a
// second use as every other does.
func TestAnAssertionPlayedBackStartsAndTellsNothing(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	header := w.bearer(w.portal, "")
	start := func() (ceremony.Started, error) {
		compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, w.ask())
		if err != nil {
			t.Fatal(err)
		}
		var out ceremony.Started
		err = httpd.PostJSON(t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: compact}, &out, header)
		return out, err
	}
	started, err := start()
	if err != nil {
		t.Fatal(err)
	}
	_, err = start()
	wantCode(t, err, "caller-unproved")
	poll := func(header httpd.Header) error {
		var out ceremony.Result
		return httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/requests/"+started.ResultID, &out, header)
	}
	wantCode(t, poll(header), "caller-unproved") // in another step either
	header = w.bearer(w.portal, "")
	if err := poll(header); err != nil {
		t.Fatal(err)
	}
	wantCode(t, poll(header), "caller-unproved") // polling too
}
