package ra

import "time"

// Facts are what a caller tells the helpdesk: the four that a signature certificate
// carries, as they were heard.
type Facts struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	BirthDate string `json:"birth_date"` // YYYY-MM-DD
	Sex       string `json:"sex"`        // "male", "female", "unspecified"
}

// SupportClaims are the claims of step "support-number", POST /v1/support-numbers, typ
// TypeEnrolment: codes only, nothing that names or describes the person.
type SupportClaims struct {
	StepClaims
	Stage         string `json:"stage"`                // where the person is: the phone's own word for it
	Error         string `json:"error,omitempty"`      // code of the last problem that the phone showed
	PINTries      int    `json:"pin_tries"`            // left of the phone's PIN
	PasswordTries int    `json:"password_tries"`       // left of the phone's signature password
	Biometrics    string `json:"biometrics,omitempty"` // "on", "off", "blocked"
}

// SupportNumber answers it. The very same message again gets the same number, while it
// is open; another message closes the number before it.
type SupportNumber struct {
	Number string    `json:"number"` // six digits
	EndsAt time.Time `json:"ends_at"`
}

// SupportQuery is the body of POST /v1/support-views, from a helpdesk: the number that
// the person said, or the view that it opened before. One of Agent and Source says for
// whom: an agent of the helpdesk, or somebody without an account who advises the
// person, and from where.
type SupportQuery struct {
	Number  string `json:"number,omitempty"`
	Support string `json:"support,omitempty"`
	Agent   string `json:"agent,omitempty"`
	Source  string `json:"source,omitempty"`
}

// SupportView is what a support number opens, for ten minutes from when it was made:
// codes, and no word about whose phone it is. A helper gets the first block only.
type SupportView struct {
	Support string    `json:"support"` // opens this view again, for the same caller
	Stage   string    `json:"stage"`
	Error   string    `json:"error,omitempty"`
	MadeAt  time.Time `json:"made_at"`
	EndsAt  time.Time `json:"ends_at"`

	State         State                `json:"state,omitempty"` // of the registration, at the authority
	Ended         EndReason            `json:"ended,omitempty"`
	Certificates  []SupportCertificate `json:"certificates,omitempty"`
	PINTries      int                  `json:"pin_tries"`
	PasswordTries int                  `json:"password_tries"`
	Biometrics    string               `json:"biometrics,omitempty"`
	CanSuspend    bool                 `json:"can_suspend"`
}

// SupportCertificate is a certificate of the phone without its serial number.
type SupportCertificate struct {
	Kind   string   `json:"kind"`
	State  string   `json:"state"`            // "good", "held", "revoked", "expired"
	Holds  []string `json:"holds,omitempty"`  // open causes
	Reason *int     `json:"reason,omitempty"` // RFC 5280, section 5.3.1, when revoked
}

// StaffQuery is the body of POST /v1/staff/linkage: the authentication certificate of a
// card that somebody has just proved to hold at a staff desk.
type StaffQuery struct {
	Certificate []byte `json:"certificate"` // DER
}
