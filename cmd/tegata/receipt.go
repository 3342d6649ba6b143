package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/receipt"
)

// What a receipt can be refused for on a terminal.
var (
	errReceiptRed = problem.NewRefused(409, "receipt-red",
		"このスマホを引き取らないでください。", "このスマホには、まだ使えるか一時停止中の電子証明書があります。持ち主に「スマホを手放す」を行ってもらってください。",
		"Do not take this phone over.", "A certificate on it is good or on hold. Have its owner give it up.")
	errReceiptTag = problem.NewRefused(409, "receipt-other-phone",
		"別のスマホの失効証明です。", "スマホのはじめの画面に出る8文字の印を、もう一度確かめてください。",
		"This is another phone's receipt.", "Check the 8 characters on the phone's first screen again.")
	errReceiptSignature = problem.NewRefused(422, "receipt-signature",
		"失効証明の署名を確かめられませんでした。", "発行者の署名ではありません。このスマホを引き取らないでください。",
		"The signature of the receipt does not hold.", "It is not the issuer's. Do not take the phone over.")
	errReceiptOld = problem.NewCouldNotCheck("receipt-old",
		"いまのことを示す失効証明ではありません。", "番号で発行者に尋ねると、いまの状態が分かります。",
		"The receipt does not speak of this moment.", "Ask the issuer by its number for how things are now.")
	errReceiptSigner = problem.NewCouldNotCheck("receipt-signer-not-asked",
		"失効証明に署名した発行者の状態を確かめられませんでした。", "しばらくしてからもう一度お試しください。",
		"Whether the receipt's signer is still good could not be learned.", "Try again in a while.")
)

// receiptFlags are how a receipt is checked.
type receiptFlags struct {
	tag, issuer, trust, arc *string
	offline                 *bool
}

// receiptCheck checks the receipt of a phone that was given up, as a shop does.
func receiptCheck(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	f := receiptFlags{
		tag:     flags.String("tag", "", "the 8 characters that the wiped phone shows"),
		issuer:  flags.String("issuer", "", "the issuer's URL; empty asks the neighbourhood"),
		trust:   flags.String("trust", "", "PEM file of the ops authority as the operator handed it out; empty takes the issuer's own word for it"),
		arc:     flags.String("arc", pki.SandboxArc().String(), "the operator's OID arc"),
		offline: flags.Bool("offline", false, "ask nobody: what a receipt in a file says of its own moment"),
	}
	words, err := parse(flags, args, "FILE|NUMBER")
	if err != nil {
		return err
	}
	if *f.tag == "" {
		return usagef("-tag is missing: it is what ties a receipt to the phone in your hand")
	}
	if *f.offline && *f.trust == "" {
		return usagef("-offline needs -trust: there is nobody to ask for the authority")
	}
	return f.check(ctx, c, r, words[0])
}

func (f receiptFlags) check(ctx context.Context, c console, r *remote, what string) error {
	arc, err := pki.ParseArc(*f.arc)
	if err != nil {
		return usagef("%v", err)
	}
	at := time.Now()
	if *f.issuer == "" && !*f.offline {
		if at, err = f.neighbourhood(ctx, r); err != nil {
			return err
		}
	}
	checker := receipt.Checker{Arc: arc, Issuer: strings.TrimRight(*f.issuer, "/")}
	if !*f.offline {
		checker.Status = certpath.OCSP{Client: r.client}
	}
	if checker.Ops, err = f.authorities(ctx, c, r); err != nil {
		return err
	}
	compact, number, err := f.read(ctx, r, what)
	if err != nil {
		return err
	}
	said, err := checker.Check(ctx, compact, at)
	switch {
	case errors.Is(err, certpath.ErrNoStatus):
		return errReceiptSigner.Because(err)
	case err != nil || number != "" && said.ID != number:
		return errReceiptSignature.Because(err)
	}
	fmt.Fprintf(c.out, "number   %s\ntag      %s\nrevoked  %s\nas of    %s\nissuer   %s\n", said.ID, said.Tag,
		said.Revoked().Format(time.RFC3339), said.AsOf().Format(time.RFC3339), said.Issuer)
	switch {
	case !said.Of(*f.tag):
		return errReceiptTag
	case !said.Clear:
		return errReceiptRed
	case !*f.offline && said.FreshAt(at) != nil:
		return errReceiptOld
	}
	fmt.Fprintln(c.out, "verdict  green")
	return nil
}

// neighbourhood finds the issuer of a running sandbox, and its time.
func (f receiptFlags) neighbourhood(ctx context.Context, r *remote) (at time.Time, err error) {
	if err := r.locate(ctx); err != nil {
		return at, err
	}
	if *f.issuer, err = r.url("issuer", ""); err != nil {
		return at, err
	}
	var now struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}
	err = r.get(ctx, "street", "/clock", &now)
	return now.Now, err
}

// read is the receipt in a file, or the issuer's answer about a number.
func (f receiptFlags) read(ctx context.Context, r *remote, what string) (compact, number string, err error) {
	text, err := os.ReadFile(what)
	if err == nil {
		return string(text), "", nil
	}
	if *f.offline || !receipt.ValidNumber(what) {
		return "", "", usagef("%s is neither a file nor the number of a receipt", what)
	}
	var answer struct {
		Signed string `json:"signed"`
	}
	err = httpd.GetJSON(ctx, r.client, strings.TrimRight(*f.issuer, "/")+"/v1/revocations/"+what, &answer)
	return answer.Signed, what, err
}

// authorities are the roots that a receipt's signer must stand under.
func (f receiptFlags) authorities(ctx context.Context, c console, r *remote) (list []*x509.Certificate, err error) {
	var text []byte
	if *f.trust != "" {
		text, err = os.ReadFile(*f.trust)
	} else {
		c.say("認証局の証明書は、発行者の言うものを使います。 / The authority's certificate is the one that the issuer tells; install it with -trust.")
		text, _, err = httpd.Exchange(ctx, r.client, "GET", strings.TrimRight(*f.issuer, "/")+"/ca/bundle.pem", nil)
	}
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, usagef("-trust: %v", err)
		}
		list = append(list, cert)
	}
	if len(list) == 0 {
		return nil, usagef("-trust: there is no certificate in it")
	}
	return list, nil
}
