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
// asking party hears of it. It keeps nothing and opens nothing.

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
}

type shopPurpose struct {
	Code     string
	Sentence ui.Text
	Category ui.Text
}

func emptyShop() shopPage {
	var p shopPage
	for _, x := range ShopPurposes() {
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
		if p.Code != r.PostFormValue("what") {
			continue
		}
		started, err := h.beginShop(r.Context(), p)
		if err != nil {
			h.fail(w, r, err, ui.Text{})
			return
		}
		http.SetCookie(w, &http.Cookie{Name: shopCookie, Value: started.ResultID, Path: "/shop", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(shopTime / time.Second)})
		q := url.Values{"link": {started.RequestURI}}
		http.Redirect(w, r, "/shop/phone?"+q.Encode(), http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/shop", http.StatusSeeOther)
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

func (h *Handler) beginShop(ctx context.Context, p ceremony.RegisteredPurpose) (out ceremony.Started, err error) {
	verifier := h.conf.origin("verifier")
	if h.conf.Shop == nil || verifier == "" {
		return out, errNoShop
	}
	key, err := h.conf.Shop(ctx)
	if err != nil {
		return out, errNoShop.Because(err)
	}
	at, id := h.conf.Clock.Now(), ceremony.NewID()
	compact, err := ceremony.SignRequest(key.Signer, key.Chain, ceremony.Request{
		Issuer: ShopID, Audience: "verifier", ID: id, Nonce: ceremony.NewID(), IssuedAt: at.Unix(), Expires: at.Add(shopTime).Unix(),
		Purpose: ceremony.Purpose{Code: p.Code, Sentence: p.Sentence}, Kind: ceremony.Login, Risk: ceremony.R1, Channel: ceremony.Same,
		ResponseURI: verifier + "/v1/requests/" + id + "/answer",
	})
	if err != nil {
		return out, err
	}
	header, err := h.shopBearer(ctx, "")
	if err != nil {
		return out, err
	}
	return out, httpd.PostJSON(ctx, h.roles.client, verifier+"/v1/requests", ceremony.Start{Request: compact, ReturnURL: h.conf.Origin + ShopReturn}, &out, header)
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
