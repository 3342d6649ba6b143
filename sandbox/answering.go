package sandbox

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"tegata/internal/httpd"
	"tegata/internal/problem"
)

//go:embed answering.json
var answeringJSON []byte

// How residents answer by themselves.
const (
	Approves     = "approves"
	Refuses      = "refuses"
	NeverAnswers = "never-answers"
	WrongNumber  = "wrong-number"
	PINLocked    = "pin-locked"
	OnHold       = "on-hold"
)

// Answering is a resident whose phone answers at once and always the same way, for
// relying parties' automated tests. Person, card, phone and certificates are as real as
// anybody's here.
type Answering struct {
	Person
	Answers string `json:"answers"`
	Model   string `json:"model,omitempty"`   // of the phone; "" is the first of the maker's
	Refused string `json:"refused,omitempty"` // the code with which the phone's registration is refused

	// Outcome is the code with which a login ends, "" when it is approved. OAuthError is
	// what the relying party is told then, "" when it is told nothing.
	Outcome    string `json:"outcome,omitempty"`
	OAuthError string `json:"oauth_error,omitempty"`
	DoesJA     string `json:"does_ja"`
	DoesEN     string `json:"does_en"`
}

// Phone is the id of the phone.
func (a Answering) Phone() string { return a.ID + "-phone" }

// AnsweringResidents are those residents, in the order of the file.
func AnsweringResidents() ([]Answering, error) {
	var file struct {
		Answering []Answering `json:"answering"`
	}
	if err := json.Unmarshal(answeringJSON, &file); err != nil {
		return nil, fmt.Errorf("sandbox: answering.json: %w", err)
	}
	for i := range file.Answering {
		a := &file.Answering[i]
		a.Municipality, a.Card, a.RegisteredPhone = "99001", "good", true
		a.AboutJA, a.AboutEN = "自動で答える試験用の住民。"+a.DoesJA, "A test resident who answers by itself: "+a.DoesEN
	}
	return file.Answering, nil
}

// Making is who and what an answering resident is made with.
type Making struct {
	Maker   Maker
	Holder  Holder
	Issuer  string // URL
	Secrets *Secrets
}

// Answering makes a resident who answers by itself, by the calls that anybody would
// make, and brings it into its state by what brings people there: a registration that is
// refused, a lock code, an event of the register. Each call goes under an id of the
// sandbox's, so that one that was cut off is made again.
func (m Making) Answering(ctx context.Context, a Answering) error {
	person := a.Person
	person.Event = "" // what happens, happens after the phone is registered
	if err := m.Maker.Person(ctx, person); err != nil {
		return err
	}
	if err := m.phone(ctx, a); err != nil {
		return err
	}
	if a.Event != "" {
		if err := m.Maker.event(ctx, a.Person); err != nil {
			return fmt.Errorf("sandbox: event of %s: %w", a.ID, err)
		}
	}
	if a.Answers == OnHold {
		return m.suspend(ctx, a)
	}
	return nil
}

// phone makes the phone and registers it. One that cannot be registered was refused by
// the authority, for the reason that the data say.
func (m Making) phone(ctx context.Context, a Answering) error {
	if err := m.Holder.phone(ctx, a.Person, a.Model); err != nil {
		return err
	}
	card, err := m.Secrets.Card(a.ID)
	if err != nil {
		return err
	}
	own, err := m.Secrets.Phone(a.Phone())
	if err != nil {
		return err
	}
	code, err := m.Holder.Enrol(ctx, a.Person, card, own)
	if p, ok := errors.AsType[*problem.Problem](err); ok && a.Refused != "" && p.Code == a.Refused {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Refused != "" {
		return fmt.Errorf("sandbox: the phone of %s was registered; %s was expected", a.ID, a.Refused)
	}
	if code == "" {
		return nil
	}
	if err := m.Secrets.NoteLockCode(a.Phone(), code); err != nil {
		return err
	}
	return m.Holder.Noted(ctx, a.Person)
}

// suspend is what a person does who lost the phone: the lock code, from anywhere.
func (m Making) suspend(ctx context.Context, a Answering) error {
	_, own := m.Secrets.Known(a.Phone())
	if own == nil || own.LockCode == "" {
		return fmt.Errorf("sandbox: nobody noted the lock code of %s", a.ID)
	}
	body := map[string]string{"birth_date": a.Birth, "lock_code": own.LockCode}
	if err := httpd.PostJSON(ctx, m.Maker.Client, m.Issuer+"/v1/suspensions", body, nil); err != nil {
		return fmt.Errorf("sandbox: suspend the phone of %s: %w", a.ID, err)
	}
	return nil
}
