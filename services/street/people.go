package street

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"tegata/internal/ui"
)

// Service is one role of the neighbourhood.
type Service struct {
	Role  string  `json:"role"`
	URL   string  `json:"url"`
	Title ui.Text `json:"title"`
}

// Reader is a slot that a card can be held to.
type Reader struct {
	Slot    string `json:"slot"`              // "phone:ID", "helpdesk:N", "kiosk:ID", "clinic:ID"
	Address string `json:"address"`           // 127.0.0.1:PORT
	KeyPad  bool   `json:"key_pad,omitempty"` // it takes the PIN itself: a staff desk's
}

// Person is an invented resident of the sandbox.
type Person struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	Kana         string  `json:"kana,omitempty"`
	Alias        string  `json:"alias,omitempty"`
	BirthDate    string  `json:"birth_date"` // YYYY-MM-DD
	Municipality ui.Text `json:"municipality"`
	About        ui.Text `json:"about"`             // what is special about this person
	Card         string  `json:"card,omitempty"`    // id of the card; "" before it is made
	Phone        string  `json:"phone,omitempty"`   // id of the phone in this person's hand
	Mailbox      string  `json:"mailbox,omitempty"` // address of the second channel
	First        bool    `json:"first,omitempty"`   // the tour begins with this card
	Answers      string  `json:"answers,omitempty"` // how the phone answers by itself: "approves", "refuses" …; "" = it does not

	// Of who answers by itself: what that is, the code with which a login ends ("" when it
	// is approved), and the error that the relying party is told ("" when it is told none).
	Does       ui.Text `json:"does,omitzero"`
	Outcome    string  `json:"outcome,omitempty"`
	OAuthError string  `json:"oauth_error,omitempty"`
}

// Birth is the birth date as a day; the zero time when there is none.
func (p Person) Birth() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, p.BirthDate, jst)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Said is the name inside a sentence, where the wide space of the register
// would read as a gap and must not become a line break either.
func (p Person) Said() string { return strings.ReplaceAll(p.Name, "\u3000", "\u00a0") }

// HasBirth reports whether the birth date is known.
func (p Person) HasBirth() bool { return !p.Birth().IsZero() }

// Secrets are what DIR/sandbox-secrets.json holds, by card, by phone and by shop.
type Secrets struct {
	Cards  map[string]CardSecrets
	Phones map[string]PhoneSecrets
	Tills  map[string]Shown // the code of its till
}

// CardSecrets are the four secrets of a sandbox card.
type CardSecrets struct {
	SignaturePassword, AuthPIN, InputPIN, ResidentPIN Shown
}

// PhoneSecrets are those of a phone that the sandbox registered.
type PhoneSecrets struct {
	AuthPIN, SignaturePassword, LockCode Shown
}

// Shown is a sandbox secret, made to be shown on one page when a person presses
// for it, and printable nowhere else.
type Shown struct{ text func() string }

// Show wraps a sandbox secret.
func Show(s string) Shown {
	if s == "" {
		return Shown{}
	}
	return Shown{text: func() string { return s }}
}

// reveal is the one way out, used by the page that shows it and the report of
// a lost phone.
func (s Shown) reveal() string {
	if s.text == nil {
		return ""
	}
	return s.text()
}

// Format prints that there is a secret, not which.
func (s Shown) Format(f fmt.State, _ rune) { io.WriteString(f, "[sandbox secret]") }

// LogValue keeps it out of logs.
func (s Shown) LogValue() slog.Value { return slog.StringValue("[sandbox secret]") }

// MarshalText refuses.
func (s Shown) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("street: a sandbox secret does not serialize")
}

// service finds a role; ok is false when it does not run here.
func (c Config) service(role string) (Service, bool) {
	for _, s := range c.Services {
		if s.Role == role {
			return s, true
		}
	}
	return Service{}, false
}

// origin is the origin of a role's URL, "" when the role does not run here.
func (c Config) origin(role string) string {
	s, ok := c.service(role)
	if !ok {
		return ""
	}
	return originOf(s.URL)
}

// originOf is scheme://host of a URL, "" when it is none.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}
