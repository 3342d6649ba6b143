package document

import (
	"errors"

	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/problem"
)

const (
	notSignedJA = "この署名を頼りにしないでください。"
	notSignedEN = "Do not rely on this signature. "
	askAgainJA  = "署名した人に、もう一度署名した文書を送ってもらってください。"
	askAgainEN  = "Ask the signer for the document, signed again."
)

// What a signed document can fail on, in the order in which it is checked.
var (
	ErrFormat = problem.NewYourTurn(422, "signature-format",
		"署名された文書として読み取れません。", "CAdES署名（.p7s、.p7m）、署名されたPDF、XML署名のどれかを指定してください。",
		"This is no signed document that can be read here.", "Name a file with a CAdES signature (.p7s, .p7m), a signed PDF or an XML signature.")
	ErrNoSignature = problem.NewRefused(422, "signature-none",
		"この文書には署名がありません。", askAgainJA,
		"There is no signature in this document.", askAgainEN)
	ErrMalformed = problem.NewRefused(422, "signature-malformed",
		"署名の書式が正しくありません。", notSignedJA+askAgainJA,
		"The signature is malformed.", notSignedEN+askAgainEN)
	ErrSeveralSigners = problem.NewRefused(422, "signature-several-signers",
		"1つの署名データに複数の署名者がいます。", "署名は1人ずつ別のファイルにしてもらってください。",
		"One message holds several signers.", "Have each person sign into a file of their own.")
	ErrNoSignedAttributes = problem.NewRefused(422, "signature-no-attributes",
		"署名に署名属性がありません。", notSignedJA+"CAdES形式で署名し直してもらってください。",
		"The signature has no signed attributes.", notSignedEN+"Ask for one in the form CAdES.")
	ErrMissingAttribute = problem.NewRefused(422, "signature-attribute-missing",
		"署名に必要な属性がありません。", notSignedJA+"CAdES形式で署名し直してもらってください。",
		"A signed attribute that must be there is missing.", notSignedEN+"Ask for one in the form CAdES.")
	ErrAttribute = problem.NewRefused(422, "signature-attribute-contradicts",
		"署名の属性が、署名されたものと食い違っています。", notSignedJA+askAgainJA,
		"A signed attribute contradicts what was signed.", notSignedEN+askAgainEN)
	ErrWeakDigest = problem.NewRefused(422, "signature-weak-digest",
		"SHA-256 より弱い方式で署名されています。", notSignedJA+"SHA-256 以上で署名し直してもらってください。",
		"The signature uses a digest weaker than SHA-256.", notSignedEN+"Ask for one with SHA-256 or better.")
	ErrNoSigningCertificate = problem.NewRefused(422, "signature-certificate-unnamed",
		"署名が、どの証明書によるものかを示していません。", notSignedJA+"CAdES形式かXAdES形式で署名し直してもらってください。",
		"The signature does not name its certificate.", notSignedEN+"Ask for one in the form CAdES or XAdES.")
	ErrSubstituted = problem.NewRefused(422, "signature-certificate-substituted",
		"署名のときとは別の証明書が付いています。", notSignedJA+askAgainJA,
		"The certificate is not the one that was signed with.", notSignedEN+askAgainEN)
	ErrCertificateKind = problem.NewRefused(403, "signature-certificate-kind",
		"署名用の電子証明書による署名ではありません。", "署名用電子証明書で署名し直してもらってください。",
		"This was not signed with a signature certificate.", "Ask for one made with a signature certificate.")
	ErrContentMissing = problem.New(problem.CouldNotCheck, 422, "signature-content-missing",
		problem.Text{Title: "署名の対象となった文書がありません。", Detail: "もとの文書を -content または content で渡してください。"},
		problem.Text{Title: "The document that was signed is not here.", Detail: "Give it with -content, or as content."})
	ErrContentChanged = problem.NewRefused(422, "signature-content-changed",
		"文書が、署名されたものと違います。", "署名のあとで書き換えられたか、別の文書です。"+askAgainJA,
		"The document is not the one that was signed.", "It was changed afterwards, or is another one. "+askAgainEN)
	ErrPartly = problem.NewRefused(422, "signature-covers-part",
		"署名が文書の全体を覆っていません。", "署名されていない部分が文書に混ざっています。"+notSignedJA+askAgainJA,
		"The signature does not cover the whole document.", "Parts of the document are not signed. "+notSignedEN+askAgainEN)
	ErrChangedAfter = problem.NewRefused(422, "signature-document-changed-later",
		"署名のあとで、文書に手が加えられています。", "署名されたときの文書と、いま見える文書が違うおそれがあります。"+notSignedJA+askAgainJA,
		"The document was changed after it was signed.", "What is seen now may not be what was signed. "+notSignedEN+askAgainEN)
	ErrPDFKind = problem.NewRefused(422, "signature-pdf-kind",
		"PAdESではないPDF署名です。", "PAdES形式（ETSI.CAdES.detached）で署名し直してもらってください。",
		"This is a PDF signature other than PAdES.", "Ask for one in the form PAdES (ETSI.CAdES.detached).")
	ErrEncrypted = problem.NewRefused(422, "signature-pdf-encrypted",
		"暗号化されたPDFは確かめません。", "暗号化していないPDFに署名してもらってください。",
		"An encrypted PDF is not checked.", "Ask for a signature on one that is not encrypted.")
	ErrForbiddenXML = problem.NewRefused(422, "signature-xml-forbidden",
		"外の情報や書き換えの指示を含むXML文書は確かめません。", "DTD、実体、外への参照、変換の指示が使われています。"+askAgainJA,
		"An XML document that refers elsewhere, or has itself changed, is not checked.", "It uses a DTD, entities, a reference to another place, or transforms. "+askAgainEN)
	ErrAlgorithm = problem.NewRefused(422, "signature-algorithm",
		"署名の方式が、鍵やハッシュと合いません。", notSignedJA+askAgainJA,
		"The signature algorithm does not fit key and digest.", notSignedEN+askAgainEN)
	ErrSignature = problem.NewRefused(422, "signature-invalid",
		"署名が正しくありません。", notSignedJA+askAgainJA,
		"The signature does not hold.", notSignedEN+askAgainEN)
	ErrPath = problem.NewRefused(403, "signature-untrusted",
		"信頼できる署名用認証局の証明書ではありません。", notSignedJA+"どの認証局を信頼するかの設定も確かめてください。",
		"The certificate does not come from a trusted signature authority.", notSignedEN+"Check which authorities you trust.")
	ErrNotYetValid = problem.NewRefused(403, "signature-before-certificate",
		"証明書の有効期間が始まる前の署名です。", notSignedJA+askAgainJA,
		"This was signed before its certificate became valid.", notSignedEN+askAgainEN)
	ErrExpired = problem.NewRefused(403, "signature-after-expiry",
		"証明書の有効期間が過ぎたあとの署名です。", notSignedJA+"新しい証明書で署名し直してもらってください。",
		"This was signed after its certificate expired.", notSignedEN+"Ask for one with a new certificate.")
	ErrOutOfBounds = problem.New(problem.CouldNotCheck, 422, "signature-time-unproven",
		problem.Text{Title: "証明書の有効期間は過ぎ、期間内に署名されたことが証明されていません。", Detail: "期間内のタイムスタンプが付いた署名があれば確かめられます。"},
		problem.Text{Title: "The certificate has expired, and nothing proves that this was signed before.", Detail: "A signature with a time-stamp from before would settle it."})
	ErrRevoked = problem.NewRefused(403, "signature-after-revocation",
		"証明書が失効したあとの署名です。", notSignedJA+"新しい証明書で署名し直してもらってください。",
		"This was signed after its certificate was revoked.", notSignedEN+"Ask for one with a new certificate.")
	ErrRevokedNoPOE = problem.New(problem.CouldNotCheck, 422, "signature-revoked",
		problem.Text{Title: "証明書は失効しており、失効前に署名されたことが証明されていません。", Detail: "失効前のタイムスタンプが付いた署名があれば確かめられます。なければ" + askAgainJA},
		problem.Text{Title: "The certificate is revoked, and nothing proves that this was signed before.", Detail: "A signature with a time-stamp from before would settle it. Otherwise: " + askAgainEN})
	ErrHeld = problem.New(problem.CouldNotCheck, 422, "signature-held",
		problem.Text{Title: "証明書は一時停止中です。", Detail: "停止が解けるか失効するまで、決められません。署名した人に確かめてください。"},
		problem.Text{Title: "The certificate is on hold.", Detail: "Nothing can be decided until the hold ends. Ask the signer."})
	ErrStatusUnavailable = problem.NewCouldNotCheck("signature-status-unavailable",
		"証明書が有効だったかどうか確認できませんでした。", "何も決まっていません。少し待って、もう一度お試しください。",
		"Could not find out whether the certificate was good.", "Nothing was decided. Wait a moment and try again.")
	ErrStatusUnknown = problem.NewCouldNotCheck("signature-status-unknown",
		"認証局がこの証明書を知りません。", "何も決まっていません。続くときは認証局へお問い合わせください。",
		"The authority does not know this certificate.", "Nothing was decided. If it stays, ask the authority.")
)

// What evidence can be refused for, before or after its verdict is made again.
var (
	ErrEvidence = problem.NewRefused(422, "evidence-malformed",
		"証拠のファイルとして読み取れません。", "`tegata verify -save-evidence` で作ったファイルを指定してください。",
		"This is no file of evidence.", "Name one that `tegata verify -save-evidence` made.")
	ErrEvidenceAnchors = problem.NewRefused(403, "evidence-untrusted",
		"証拠が頼る認証局の中に、信頼していないものがあります。", "-trust のフォルダーにある認証局と比べてください。",
		"The evidence rests on an authority that you do not trust.", "Compare its authorities with those in -trust.")
	ErrEvidenceDiffers = problem.NewRefused(409, "evidence-differs",
		"証拠から、書かれているのと同じ判定になりません。", "この証拠を頼りにしないでください。",
		"The evidence does not lead to the verdict that it tells.", "Do not rely on it.")
)

// What keeps a time-stamp from proving anything. It is told beside the verdict; the
// signature is judged as if it had no such time-stamp.
var (
	ErrStampMalformed = problem.NewRefused(422, "timestamp-malformed",
		"タイムスタンプの書式か署名が正しくありません。", "このタイムスタンプは、署名の時刻の証明になりません。",
		"A time-stamp is malformed or its signature does not hold.", "It proves nothing about when this was signed.")
	ErrStampImprint = problem.NewRefused(422, "timestamp-imprint",
		"タイムスタンプが別のものに対するものです。", "このタイムスタンプは、署名の時刻の証明になりません。",
		"A time-stamp is over something else.", "It proves nothing about when this was signed.")
	ErrStampAuthority = problem.NewRefused(403, "timestamp-untrusted",
		"信頼できる時刻認証局のタイムスタンプではありません。", "このタイムスタンプは、署名の時刻の証明になりません。",
		"A time-stamp does not come from a trusted time-stamp authority.", "It proves nothing about when this was signed.")
	ErrStampExpired = problem.NewRefused(403, "timestamp-expired",
		"タイムスタンプの証明書の有効期間が過ぎています。", "期限の前に、保管用タイムスタンプを重ねておく必要がありました。",
		"The certificate of a time-stamp has expired.", "An archive time-stamp had to be put over it before.")
	ErrStampRevoked = problem.NewRefused(403, "timestamp-revoked",
		"タイムスタンプの証明書が失効しています。", "このタイムスタンプは、署名の時刻の証明になりません。",
		"The certificate of a time-stamp is revoked.", "It proves nothing about when this was signed.")
	ErrStampStatus = problem.NewCouldNotCheck("timestamp-status-unavailable",
		"タイムスタンプの証明書が有効かどうか確認できませんでした。", "少し待って、もう一度お試しください。",
		"Could not find out whether a time-stamp's certificate is good.", "Wait a moment and try again.")
)

// Malformed is ErrMalformed for a reason that goes to the log.
func Malformed(reason error) *problem.Problem { return ErrMalformed.Because(reason) }

// FromCMS turns an error of package cms into one of this package's problems; nil stays
// nil.
func FromCMS(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []struct {
		is   error
		says *problem.Problem
	}{ // the more particular first
		{cms.ErrSeveralSigners, ErrSeveralSigners}, {cms.ErrNoSignedAttributes, ErrNoSignedAttributes},
		{cms.ErrMissingAttribute, ErrMissingAttribute}, {cms.ErrAttribute, ErrAttribute}, {cms.ErrSigningTime, ErrAttribute},
		{cms.ErrWeakDigest, ErrWeakDigest}, {cms.ErrNoSigningCertificate, ErrNoSigningCertificate}, {cms.ErrCertificate, ErrSubstituted},
		{cms.ErrNoContent, ErrContentMissing}, {cms.ErrContent, ErrContentChanged},
		{cms.ErrAlgorithm, ErrAlgorithm}, {cms.ErrSignature, ErrSignature},
	} {
		if errors.Is(err, known.is) {
			return known.says.Because(err)
		}
	}
	return Malformed(err)
}

// indication gives a code its words of ETSI EN 319 102-1, tables 5 and 6. Failed is
// what neither waiting nor further evidence mends: there a constraint that is not met
// is INDETERMINATE because another policy might be content, here there is one policy.
func indication(code string) (ceremony.Verdict, string) {
	switch code {
	case ErrContentChanged.Code:
		return ceremony.Failed, "HASH_FAILURE"
	case ErrSignature.Code, ErrAlgorithm.Code:
		return ceremony.Failed, "SIG_CRYPTO_FAILURE"
	case ErrNoSigningCertificate.Code:
		return ceremony.Failed, "SIG_CONSTRAINTS_FAILURE"
	case ErrSubstituted.Code:
		return ceremony.Failed, "NO_SIGNING_CERTIFICATE_FOUND"
	case ErrWeakDigest.Code:
		return ceremony.Failed, "CRYPTO_CONSTRAINTS_FAILURE"
	case ErrCertificateKind.Code:
		return ceremony.Failed, "CHAIN_CONSTRAINTS_FAILURE"
	case ErrPath.Code:
		return ceremony.Failed, "NO_CERTIFICATE_CHAIN_FOUND"
	case ErrNotYetValid.Code:
		return ceremony.Failed, "NOT_YET_VALID"
	case ErrExpired.Code:
		return ceremony.Failed, "EXPIRED"
	case ErrRevoked.Code:
		return ceremony.Failed, "REVOKED"
	case ErrContentMissing.Code:
		return ceremony.Indeterminate, "SIGNED_DATA_NOT_FOUND"
	case ErrOutOfBounds.Code:
		return ceremony.Indeterminate, "OUT_OF_BOUNDS_NO_POE"
	case ErrRevokedNoPOE.Code:
		return ceremony.Indeterminate, "REVOKED_NO_POE"
	case ErrHeld.Code, ErrStatusUnavailable.Code, ErrStatusUnknown.Code:
		return ceremony.Indeterminate, "TRY_LATER"
	}
	return ceremony.Failed, "FORMAT_FAILURE"
}
