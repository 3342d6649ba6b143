package helpdesk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// Facts are what a caller says. They go to the issuer and stay nowhere.
type Facts struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	BirthDate string `json:"birth_date"` // YYYY-MM-DD
	Sex       string `json:"sex"`        // "male", "female", "unspecified"
}

// maxFact bounds a name or an address, in bytes, as the issuer does.
const maxFact = 600

// check says whether all four are there, and have a form: what the issuer would send back
// unread becomes no case. ErrFactsForm.
func (f Facts) check(at time.Time) error {
	birth, err := time.Parse(time.DateOnly, f.BirthDate)
	field := ""
	switch {
	case strings.TrimSpace(f.Name) == "" || len(f.Name) > maxFact:
		field = "name"
	case err != nil || birth.After(at):
		field = "birth_date"
	case f.Sex != "male" && f.Sex != "female" && f.Sex != "unspecified":
		field = "sex"
	case strings.TrimSpace(f.Address) == "" || len(f.Address) > maxFact:
		field = "address"
	default:
		return nil
	}
	return ErrFactsForm.With("field", field)
}

type suspension struct {
	Facts   *Facts `json:"facts,omitempty"`
	Support string `json:"support,omitempty"`
	Agent   string `json:"agent"`
}

type supportQuery struct {
	Number  string `json:"number,omitempty"`
	Support string `json:"support,omitempty"`
	Agent   string `json:"agent,omitempty"`
	Source  string `json:"source,omitempty"`
}

// Advice is what a support number shows to anybody who has it.
type Advice struct {
	Stage  string    `json:"stage"` // where the person is: the phone's word
	Error  string    `json:"error"` // code of the last problem, "" for none
	MadeAt time.Time `json:"made_at"`
	EndsAt time.Time `json:"ends_at"`
}

// View is what it shows to an agent: codes, and no word about whose phone it is.
type View struct {
	Advice
	Support       string        `json:"support"` // opens it again
	State         string        `json:"state"`   // of the registration: applied, issued, registered, ended
	Ended         string        `json:"ended"`
	Certificates  []Certificate `json:"certificates"`
	PINTries      int           `json:"pin_tries"`
	PasswordTries int           `json:"password_tries"`
	Biometrics    string        `json:"biometrics"` // on, off, blocked
	CanSuspend    bool          `json:"can_suspend"`

	Case string    `json:"-"` // number of the case that it is in
	At   time.Time `json:"-"` // of the look: it may be different since
}

// Certificate is the state of one of the phone's two.
type Certificate struct {
	Kind  string   `json:"kind"`
	State string   `json:"state"` // good, held, revoked, expired
	Holds []string `json:"holds"`
}

// Whose asks the issuer who the holder of a card is: one text for every card that a
// person ever has, and nothing but that.
func (h *Helpdesk) Whose(ctx context.Context, certificate []byte) (string, error) {
	var link struct {
		Person string `json:"person"`
	}
	body := struct {
		Certificate []byte `json:"certificate"`
	}{certificate}
	if err := h.post(ctx, "/v1/staff/linkage", body, &link); err != nil {
		return "", err
	}
	if link.Person == "" {
		return "", httpd.BadAnswer
	}
	return link.Person, nil
}

// post calls the issuer as the helpdesk. Errors are problems.
func (h *Helpdesk) post(ctx context.Context, path string, in, out any) error {
	assertion := ceremony.NewClientAssertion(h.config.Party, h.config.Issuer, h.config.Now())
	compact, err := ceremony.SignClientAssertion(h.config.Signer, h.config.Chain, assertion)
	if err != nil {
		return fmt.Errorf("helpdesk: %s: %w", path, err)
	}
	return httpd.PostJSON(ctx, h.client, h.config.Issuer+path, in, out, httpd.Bearer(compact))
}
