package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"tegata/issuer/ra"
)

// Config names the server that takes mails from us.
type Config struct {
	Host     string // as its certificate names it
	Port     int    // with STARTTLS: 587 for submission (RFC 6409), 25
	From     string // the sender's address
	User     string // "" when the server knows us by our address
	Password string
	Roots    *x509.CertPool // nil: the system's
}

// domain is the sender's, which makes message ids unique.
func (c Config) domain() string {
	_, domain, _ := strings.Cut(c.From, "@")
	return domain
}

// Check finds what is missing or contradicts itself.
func (c Config) Check() error {
	a, err := netmail.ParseAddress(c.From)
	switch {
	case c.Host == "":
		return errors.New("host: the name of the mail server is missing")
	case c.Port < 1 || c.Port > 65535:
		return fmt.Errorf("port: %d is none; 587 is usual", c.Port)
	case c.Port == 465:
		return errors.New("port: 465 speaks TLS without STARTTLS; use 587")
	case err != nil || a.Address != c.From:
		return errors.New("from: an address such as no-reply@example.jp is needed")
	case (c.User == "") != (c.Password == ""):
		return errors.New("user and password_file: both or neither")
	}
	return nil
}

// Outcome is what became of a try.
type Outcome struct {
	Sent  bool
	Final bool   // not sent, and will never be
	Away  bool   // the server itself could not be used: the others need not be tried now
	Why   string // for the operator: a reply code, or a word; never an address
}

// errAddress is an address that no mail can be sent to.
var errAddress = errors.New("mail: not an address")

// sendTimeout bounds each try.
const sendTimeout = 15 * time.Second

// SMTP hands mails to one server.
type SMTP struct{ config Config }

// NewSMTP makes a sender. The error is of Check.
func NewSMTP(c Config) (*SMTP, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &SMTP{c}, nil
}

// Send hands one notice over.
func (s *SMTP) Send(ctx context.Context, n ra.Notice) Outcome {
	m, err := s.message(n)
	if errors.Is(err, errAddress) {
		return Outcome{Final: true, Why: "address"}
	}
	if err != nil {
		return Outcome{Away: true, Why: "message"}
	}
	options := []gomail.Option{
		gomail.WithPort(s.config.Port), gomail.WithTimeout(sendTimeout), gomail.WithHELO(s.config.domain()),
		gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}),
	}
	if s.config.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.config.User), gomail.WithPassword(s.config.Password))
	}
	client, err := gomail.NewClient(s.config.Host, options...)
	if err != nil {
		return Outcome{Away: true, Why: "configuration"}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		client.Close()
		return Outcome{Away: true, Why: dialWhy(err)}
	}
	defer client.Close() // the mail was taken or not, whatever becomes of the QUIT
	return outcomeOf(client.Send(m))
}

// dialWhy says in a word why there was no conversation.
func dialWhy(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown), errors.As(err, &name):
		return "certificate"
	case strings.Contains(err.Error(), "STARTTLS"):
		return "no-starttls"
	case strings.Contains(err.Error(), "AUTH"), strings.Contains(err.Error(), "535"):
		return "login"
	}
	return "connection"
}

// outcomeOf judges a server's reply (RFC 5321, section 4.2.1): 5yz to the recipient or the
// content is final; to the sender it is our configuration, which somebody will mend.
func outcomeOf(err error) Outcome {
	if err == nil {
		return Outcome{Sent: true}
	}
	refused, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return Outcome{Away: true, Why: "connection"}
	}
	out := Outcome{Why: "connection"}
	if code := refused.ErrorCode(); code > 0 {
		out.Why = strconv.Itoa(code)
	}
	switch refused.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		out.Final = refused.ErrorCode()/100 == 5
	default:
		out.Away = true
	}
	return out
}
