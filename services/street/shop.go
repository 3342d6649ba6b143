package street

import (
	"context"
	"crypto"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// The trial counter (ためしの窓口) is a small registered party of the sandbox: it asks for
// a login of each category, so that a person sees what the own limits do, and what the
// asking party hears of it, and for signatures (shopsign.go). It opens nothing.

// ShopID is under what the counter is registered with the verifier.
const ShopID = "trial"

// ShopKey is the registered key and its certificate.
type ShopKey struct {
	Signer crypto.Signer
	Chain  []*x509.Certificate
}

// ShopPurposes are what the counter is registered to ask for.
func ShopPurposes() []ceremony.RegisteredPurpose {
	purpose := func(code string, c ceremony.Category, ja, en string) ceremony.RegisteredPurpose {
		return ceremony.RegisteredPurpose{Code: code, Category: c, RiskFloor: ceremony.R1, Sentence: ceremony.Text{JA: ja, EN: en}}
	}
	return []ceremony.RegisteredPurpose{
		purpose("shop", ceremony.Private, "ためしの店の会員であることを確かめます。", "Check that you are a member of the trial shop."),
		purpose("clinic", ceremony.Clinic, "ためしの病院で受け付けをします。", "Check in at the trial clinic."),
		purpose("kiosk", ceremony.Kiosk, "ためしの交付機で証明書を取ります。", "Fetch a paper at the trial kiosk."),
		purpose("tax", ceremony.Tax, "ためしの税の窓口に入ります。", "Enter the trial tax desk."),
		signPurpose(),
	}
}

// ShopReturn is where phones send the browser back to, below the street's origin.
const ShopReturn = "/shop/return"

// shopTime is how long a request of the counter waits.
const shopTime = 5 * time.Minute

// shopCookie holds the id of the result that this browser waits for.
const shopCookie = "trial"

var errNoShop = problem.NewCouldNotCheck("shop-closed",
	"ためしの窓口は、いま開いていません。", "少し待って、もう一度お試しください。",
	"The trial counter is not open now.", "Wait a moment and try again.")

type shopPage struct {
	Purposes []shopPurpose
	Link     string           // the request that was begun; this browser goes on there
	Result   *ceremony.Result // what the counter heard
	Papers   []paper          // that it can have signed
	Signed   *shopSigned      // what it got
}

type shopPurpose struct {
	Code     string
	Sentence ui.Text
	Category ui.Text
}

func emptyShop() shopPage {
	p := shopPage{Papers: papers()}
	for _, x := range ShopPurposes() {
		if x.Code == signCode {
			continue
		}
		words := x.Category.Words()
		p.Purposes = append(p.Purposes, shopPurpose{x.Code, ui.Text{JA: x.Sentence.JA, EN: x.Sentence.EN}, ui.Text{JA: words.JA, EN: words.EN}})
	}
	return p
}

func (h *Handler) shop(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "shop", Data: emptyShop()})
}

// askAtShop has the counter ask, and leads to the phone in this browser.
func (h *Handler) askAtShop(w http.ResponseWriter, r *http.Request) {
	for _, p := range ShopPurposes() {
		if p.Code == r.PostFormValue("what") && p.Code != signCode {
			started, err := h.beginShop(r.Context(), p)
			h.toPhone(w, r, shopCookie, started, err)
			return
		}
	}
	for _, p := range papers() {
		if "sign-"+p.What == r.PostFormValue("what") {
			started, err := h.beginSigning(r.Context(), p)
			h.toPhone(w, r, signCookie(p), started, err)
			return
		}
	}
	http.Redirect(w, r, "/shop", http.StatusSeeOther)
}

// toPhone has this browser remember the result that it waits for, and go to the phone.
func (h *Handler) toPhone(w http.ResponseWriter, r *http.Request, cookie string, started ceremony.Started, err error) {
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	for _, name := range shopCookies() { // of the last request alone
		http.SetCookie(w, &http.Cookie{Name: name, Path: "/shop", MaxAge: -1})
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: started.ResultID, Path: "/shop", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(shopTime / time.Second)})
	q := url.Values{"link": {started.RequestURI}}
	http.Redirect(w, r, "/shop/phone?"+q.Encode(), http.StatusSeeOther)
}

// shopPhone leads to the phone: a page of its own, because a form's redirect may not
// leave this origin. It leads to the verifier's requests alone.
func (h *Handler) shopPhone(w http.ResponseWriter, r *http.Request) {
	link := r.URL.Query().Get("link")
	phone := h.conf.origin("phone")
	if phone == "" || ceremony.At(link, h.conf.origin("verifier")) != nil {
		http.Redirect(w, r, "/shop", http.StatusSeeOther)
		return
	}
	p := shopPage{Link: phone + "/open?" + url.Values{"request_uri": {link}}.Encode()}
	w.Header().Set("Refresh", "0; url="+p.Link)
	h.show(w, r, ui.Screen{Page: "shop", Data: p})
}

// shopBack says what the counter heard.
func (h *Handler) shopBack(w http.ResponseWriter, r *http.Request) {
	for _, p := range papers() {
		if c, err := r.Cookie(signCookie(p)); err == nil {
			h.signedBack(w, r, p, c.Value)
			return
		}
	}
	c, err := r.Cookie(shopCookie)
	if err != nil {
		http.Redirect(w, r, "/shop", http.StatusSeeOther)
		return
	}
	p := emptyShop()
	p.Result = &ceremony.Result{}
	header, err := h.shopBearer(r.Context(), r.URL.Query().Get("response_code"))
	if err == nil {
		err = httpd.GetJSON(r.Context(), h.roles.client, h.conf.origin("verifier")+"/v1/requests/"+url.PathEscape(c.Value), p.Result, header)
	}
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: shopCookie, Path: "/shop", MaxAge: -1})
	h.show(w, r, ui.Screen{Page: "shop", Data: p})
}

func (h *Handler) beginShop(ctx context.Context, p ceremony.RegisteredPurpose) (ceremony.Started, error) {
	return h.begin(ctx, "/v1/requests", h.shopRequest(p), func(start ceremony.Start) any { return start })
}

// begin signs a request and brings it to one of the verifier's doors, in the body that
// is for that door.
func (h *Handler) begin(ctx context.Context, door string, q ceremony.Request, body func(ceremony.Start) any) (out ceremony.Started, err error) {
	if h.conf.Shop == nil || h.conf.origin("verifier") == "" {
		return out, errNoShop
	}
	key, err := h.conf.Shop(ctx)
	if err != nil {
		return out, errNoShop.Because(err)
	}
	compact, err := ceremony.SignRequest(key.Signer, key.Chain, q)
	if err != nil {
		return out, err
	}
	header, err := h.shopBearer(ctx, "")
	if err != nil {
		return out, err
	}
	start := ceremony.Start{Request: compact, ReturnURL: h.conf.Origin + ShopReturn}
	return out, httpd.PostJSON(ctx, h.roles.client, h.conf.origin("verifier")+door, body(start), &out, header)
}

// shopRequest is a login of the counter's.
func (h *Handler) shopRequest(p ceremony.RegisteredPurpose) ceremony.Request {
	at, id := h.conf.Clock.Now(), ceremony.NewID()
	return ceremony.Request{
		Issuer: ShopID, Audience: "verifier", ID: id, Nonce: ceremony.NewID(), IssuedAt: at.Unix(), Expires: at.Add(shopTime).Unix(),
		Purpose: ceremony.Purpose{Code: p.Code, Sentence: p.Sentence}, Kind: ceremony.Login, Risk: ceremony.R1, Channel: ceremony.Same,
		ResponseURI: h.conf.origin("verifier") + "/v1/requests/" + id + "/answer",
	}
}

// shopBearer is the counter's assertion for one call.
func (h *Handler) shopBearer(ctx context.Context, code string) (httpd.Header, error) {
	if h.conf.Shop == nil {
		return httpd.Header{}, errNoShop
	}
	key, err := h.conf.Shop(ctx)
	if err != nil {
		return httpd.Header{}, errNoShop.Because(err)
	}
	claims := ceremony.NewClientAssertion(ShopID, "verifier", h.conf.Clock.Now())
	if ceremony.ValidID(code) {
		claims.ResponseCode = code
	}
	compact, err := ceremony.SignClientAssertion(key.Signer, key.Chain, claims)
	return httpd.Bearer(compact), err
}
