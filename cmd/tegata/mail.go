package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"tegata/issuer/mail"
	issuerstore "tegata/store/issuer"
)

// mailConfig is the server that takes the notices to people (docs/operations.md).
type mailConfig struct {
	Host string `json:"host"` // as its certificate names it; it speaks STARTTLS
	Port int    `json:"port"` // 0: 587
	From string `json:"from"` // the address of the sender
	// User and PasswordFile are for a server that wants a login; the file holds one line
	// and is readable by its owner alone.
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`
}

// mailEvery is how often notices are looked for.
const mailEvery = 2 * time.Second

// sender makes what the configuration names; nil when it names nothing.
func (c *config) sender() (*mail.SMTP, error) {
	m := c.Issuer.Mail
	if m == nil {
		return nil, nil
	}
	conf := mail.Config{Host: m.Host, Port: m.Port, From: m.From, User: m.User}
	if conf.Port == 0 {
		conf.Port = 587
	}
	if m.PasswordFile != "" {
		path := c.file(m.PasswordFile)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			return nil, usagef("%s: issuer.mail.password_file: %s must be there and readable by its owner alone (0600)", c.path, m.PasswordFile)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		conf.Password = strings.TrimRight(string(text), "\r\n")
	}
	s, err := mail.NewSMTP(conf)
	if err != nil {
		return nil, usagef("%s: issuer.mail.%v", c.path, err)
	}
	return s, nil
}

// mailFrom has the issuer's notices mailed by s, and counts them for who watches.
func (i *issuer) mailFrom(at site, s *mail.SMTP) {
	store := issuerstore.New(i.db)
	i.mail = &mail.Work{Store: store, Sender: s, Now: at.now, Log: i.log}
	count := func(pick func(waiting, givenUp int) int) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			waiting, givenUp, err := store.Deliveries(ctx)
			if err != nil {
				i.log.Error("the notices could not be counted", "error", fmt.Errorf("metrics: %w", err))
				return -1
			}
			return float64(pick(waiting, givenUp))
		}
	}
	i.metrics.Gauge("tegata_notices_waiting", "Notices to people that no mail server has taken yet.", count(func(w, _ int) int { return w }))
	i.metrics.Gauge("tegata_notices_undeliverable", "Notices to people that were given up.", count(func(_, g int) int { return g }))
}
