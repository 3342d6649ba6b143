package street

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/trace"
	"tegata/internal/ui"
)

var (
	errNoAnswering = problem.NewRefused(404, "no-such-answering",
		"自動で答える住民に、その人はいません。", "何も答えていません。一覧から選び直してください。",
		"Nobody of that id answers by itself here.", "Nothing was answered. Choose from the list again.")
	errAnsweringLink = problem.NewYourTurn(400, "answering-link",
		"依頼のリンクがありません。", "何も答えていません。手形ログインの画面のリンク（/open?request_uri=…）か、request_uri を入れてください。",
		"The link of the request is missing.", "Nothing was answered. Give the link of the login's page (/open?request_uri=…), or its request_uri.")
	errAnsweringMatch = problem.NewYourTurn(422, "answering-match",
		"画面の番号が要ります。", "何も答えていません。別の端末で答える依頼を始めて、画面の2けたの番号を match に入れてください。違う番号を選ぶ住民にも要ります。",
		"The number on the screen is needed.", "Nothing was answered. Begin a request that another device answers, and give the screen's 2-digit number as match; who chooses a wrong one needs it too.")
)

// answered is what came of having a resident answer.
type answered struct {
	Resident string `json:"resident"`
	Answers  string `json:"answers"`
	Answered bool   `json:"answered"` // an answer was given, or tried
	Approved bool   `json:"approved"`
	Redirect string `json:"redirect,omitempty"` // where the browser that began it goes on
	Code     string `json:"code,omitempty"`     // why it was not approved
}

// answering finds a resident who answers by itself.
func (h *Handler) answering(id string) (Person, error) {
	p, ok := person(h.conf.Answering, func(p Person) bool { return p.ID == id })
	if !ok {
		return Person{}, errNoAnswering
	}
	return p, nil
}

// answer has a resident answer a request with its own phone, always in its own way.
func (h *Handler) answer(ctx context.Context, id, request, match string) (answered, error) {
	p, err := h.answering(id)
	if err != nil {
		return answered{}, err
	}
	if request == "" {
		return answered{}, errAnsweringLink
	}
	if p.Answers == "wrong-number" && match == "" {
		return answered{}, errAnsweringMatch
	}
	if !h.progress().Done {
		return answered{}, errNotMade
	}
	if err := h.conf.Prepare(ctx, id); err != nil {
		return answered{}, err
	}
	out := answered{Resident: p.ID, Answers: p.Answers, Answered: true}
	if p.Answers == "never-answers" {
		out.Answered = false
		return out, nil
	}
	done, err := h.answerWith(ctx, p, request, match)
	out.Approved, out.Redirect = done.Approved, done.Redirect
	said, ok := errors.AsType[*problem.Problem](err)
	switch {
	case err == nil && p.Answers == "refuses":
		out.Code = p.Outcome
	case ok && (said.Extra["verdict"] != nil || said.Code == p.Outcome):
		out.Code = said.Code
		out.Redirect, _ = said.Extra["redirect"].(string)
	case err != nil:
		return answered{}, err
	}
	h.ring.add(trace.Event{At: h.conf.Clock.Now(), From: "street", To: "phone", Kind: "answering",
		TitleJA: "試験用の住民が自動で答えました", TitleEN: "A test resident answered by itself", Detail: map[string]string{"phone": p.Phone, "answers": p.Answers, "code": out.Code}})
	return out, nil
}

// answerWith does with the phone what this resident does.
func (h *Handler) answerWith(ctx context.Context, p Person, request, match string) (PhoneAnswer, error) {
	secrets, err := h.conf.Secrets()
	if err != nil {
		return PhoneAnswer{}, err
	}
	own := secrets.Phones[p.Phone]
	body := map[string]any{"request": request, "match": match}
	switch p.Answers {
	case "refuses":
		body["refuse"] = true
		return h.roles.Approve(ctx, p.Phone, body)
	case "pin-locked":
		body["phone_auth_pin"] = otherPIN(own.AuthPIN.reveal())
		for range 3 { // the tries that there are; a blocked PIN says so at once
			_, err := h.roles.Approve(ctx, p.Phone, body)
			if said, ok := errors.AsType[*problem.Problem](err); !ok || said.Code != "wrong-phone-pin" {
				return PhoneAnswer{}, err
			}
		}
		return h.roles.Approve(ctx, p.Phone, body)
	}
	body["phone_auth_pin"], body["phone_signature_password"] = own.AuthPIN.reveal(), own.SignaturePassword.reveal()
	if p.Answers != "wrong-number" {
		return h.roles.Approve(ctx, p.Phone, body)
	}
	body["match"] = ""
	out, err := h.roles.Approve(ctx, p.Phone, body)
	said, ok := errors.AsType[*problem.Problem](err)
	if err == nil { // no number was asked for, so that there was no wrong one to choose
		return out, errAnsweringMatch
	}
	if !ok || said.Code != "pick-number" {
		return out, err
	}
	choices, _ := said.Extra["choices"].([]any)
	if i := slices.IndexFunc(choices, func(c any) bool { return c != any(match) }); i >= 0 {
		body["match"] = choices[i]
	}
	return h.roles.Approve(ctx, p.Phone, body)
}

// otherPIN is a PIN of the same form that is not this one.
func otherPIN(pin string) string {
	if pin == "" {
		return pin
	}
	last := (pin[len(pin)-1]-'0'+1)%10 + '0'
	return pin[:len(pin)-1] + string(last)
}

// PhoneAnswer is what a phone's door says of an answer.
type PhoneAnswer struct {
	Approved bool   `json:"approved"`
	Redirect string `json:"redirect"`
}

// Approve has a phone answer a request, as `tegata phone approve` does.
func (r roles) Approve(ctx context.Context, phone string, body map[string]any) (out PhoneAnswer, err error) {
	err = r.call(ctx, http.MethodPost, r.phone, "/v1/phones/"+url.PathEscape(phone)+"/approve", body, &out)
	return out, err
}

// answerJSON is POST /residents/{id}/answer, for relying parties' automated tests. A
// login that ends as this resident's logins do is 200; a problem says what came between.
func (h *Handler) answerJSON(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Request string `json:"request"` // the link to the phone, or its request_uri
		Match   string `json:"match"`   // the number on the screen, when another device answers
	}
	if err := httpd.ReadJSON(w, r, &in); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := h.answer(r.Context(), r.PathValue("id"), strings.TrimSpace(in.Request), in.Match)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, out)
}

type residentsPage struct {
	Residents      []Person
	Request, Match string
	Origin         string
	Done           *answered
	Who            Person
}

// residents shows who answers by itself, and has one of them answer.
func (h *Handler) residents(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "residents", Data: residentsPage{Residents: h.conf.Answering, Origin: h.conf.Origin,
		Request: r.FormValue("request"), Match: r.FormValue("match")}})
}

func (h *Handler) doAnswer(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("resident")
	out, err := h.answer(r.Context(), id, strings.TrimSpace(r.PostFormValue("request")), r.PostFormValue("match"))
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	who, _ := h.answering(id) // was found
	h.show(w, r, ui.Screen{Page: "residents", Data: residentsPage{Done: &out, Who: who, Origin: h.conf.Origin}})
}
