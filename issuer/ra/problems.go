package ra

import "tegata/internal/problem"

// Refusals of any step.
var (
	ErrBadStep = problem.NewRefused(400, CodeBadStep,
		"このメッセージを読めませんでした。", "アプリを新しくしてから、もう一度お試しください。何も登録されていません。",
		"This message could not be read.", "Update the app and try again. Nothing was registered.")
	ErrStepSignature = problem.NewRefused(403, CodeStepSignature,
		"この申請をした端末の署名ではありません。", "申請を始めた端末で続けてください。",
		"This is not signed by the phone that applied.", "Go on with the phone that began the application.")
	ErrStepAudience = problem.NewRefused(400, CodeStepAudience,
		"別の認証局あてのメッセージです。", "スマホの接続先の設定を確かめてください。",
		"This message is addressed to another authority.", "Check which authority the phone is set to.")
	ErrStepStale = problem.NewYourTurn(400, CodeStepStale,
		"スマホの時計がずれています。", "日付と時刻を自動設定にして、もう一度お試しください。",
		"The phone's clock is wrong.", "Set date and time to automatic and try again.")
	ErrStepMismatch = problem.NewRefused(400, CodeStepMismatch,
		"手順とメッセージが合いません。", "アプリを新しくしてから、もう一度お試しください。",
		"The message is not for this step.", "Update the app and try again.")
	ErrEnrolmentID = problem.NewRefused(400, CodeEnrolmentID,
		"申請番号の形が正しくありません。", "アプリを新しくしてから、もう一度お試しください。",
		"The id of the application has a wrong form.", "Update the app and try again.")
	ErrStepOutOfOrder = problem.NewRefused(409, CodeStepOutOfOrder,
		"この手順はまだできません。", "申請の状態を確かめて、続きから進めてください。",
		"This step cannot be taken yet.", "Ask where the application stands and go on from there.")
	ErrUnknownEnrolment = problem.NewRefused(404, CodeUnknownEnrolment,
		"この申請は見つかりません。", "利用申請をはじめからやり直してください。",
		"There is no such application.", "Begin the application again.")
	ErrConflict = problem.NewRefused(409, CodeConflict,
		"同じ申請番号で別の内容が届きました。", "先に届いた内容はそのまま残っています。申請をはじめからやり直してください。",
		"Other content arrived under the same id.", "What arrived first stands. Begin a new application.")
	ErrEnrolmentEnded = problem.NewRefused(410, CodeEnrolmentEnded,
		"この申請または登録は終わっています。", "もう一度利用申請をしてください。",
		"This application or registration has ended.", "Apply again.")
	ErrOpenApplication = problem.NewYourTurn(409, CodeOpenApplication,
		"途中の申請が別にあります。", "新しい申請で続けると、途中の申請は取り消されます。続けますか。",
		"Another application of yours is still open.", "If you go on with the new one, the open one is ended. Go on?")
	ErrElementSuspected = problem.NewRefused(409, CodeElementSuspected,
		"端末の記録が前より古くなっています。", "端末が複製または復元された可能性があります。申請をはじめからやり直してください。",
		"The phone's own record went back in time.", "It may have been copied or restored. Begin the application again.")
	ErrReceiptUnknown = problem.NewRefused(404, CodeReceiptUnknown,
		"この失効証明は見つかりません。", "番号を確かめてください。",
		"There is no such revocation receipt.", "Check the number.")
	ErrReceiptUnsigned = problem.NewCouldNotCheck(CodeReceiptUnsigned,
		"いま失効証明を作れません。", "失効は取り消されていません。しばらくしてからもう一度お試しください。",
		"The receipt cannot be signed right now.", "The revocation stands. Try again in a while.")
)

// Refusals of an application.
var (
	ErrApplicationMalformed = problem.NewRefused(400, CodeApplicationMalformed,
		"申請書を読めませんでした。", "もう一度カードをかざして申請してください。",
		"The application could not be read.", "Tap the card and apply again.")
	ErrApplicationSignature = problem.NewRefused(403, CodeApplicationSignature,
		"申請書の署名が正しくありません。", "もう一度カードをかざして申請してください。何度も起きるときは市区町村の窓口へ。",
		"The signature of the application does not match.", "Tap the card and apply again. If it happens again, ask at the municipality's desk.")
	ErrApplicationCertificate = problem.NewRefused(403, CodeApplicationCertificate,
		"このカードの署名用電子証明書では申請できません。", "署名用電子証明書が入った、あなたのマイナンバーカードをお使いください。",
		"This certificate cannot be used to apply.", "Use an ID card of this country with a signature certificate.")
	ErrApplicationTime = problem.NewYourTurn(400, CodeApplicationTime,
		"申請書の時刻が今と合いません。", "スマホの日付と時刻を自動設定にして、もう一度カードをかざしてください。",
		"The time of the application is not now.", "Set date and time to automatic and tap the card again.")
	ErrApplicationReplayed = problem.NewRefused(409, CodeApplicationReplayed,
		"この申請書はすでに使われています。", "もう一度カードをかざして申請してください。",
		"This application was used before.", "Tap the card and apply again.")
	ErrTermsOutdated = problem.NewYourTurn(409, CodeTermsOutdated,
		"利用規約が新しくなりました。", "新しい利用規約を読んで、もう一度申請してください。",
		"The terms have changed.", "Read the current terms and apply again.")
	ErrDeviceKeyMismatch = problem.NewRefused(403, CodeDeviceKeyMismatch,
		"この申請書は別の端末または別の申請のものです。", "申請する端末でもう一度カードをかざしてください。",
		"This application was signed for another phone or another registration.", "Tap the card to the phone that applies.")
	ErrCertificateChoice = problem.NewRefused(400, CodeCertificateChoice,
		"申請できる証明書の組み合わせではありません。", "利用者証明用と署名用の両方を申請してください。",
		"These certificates cannot be chosen.", "Apply for both, authentication and signature.")
	ErrUnder15 = problem.NewRefused(403, CodeUnder15,
		"15歳未満の方は申請できません。", "15歳になると、市区町村の窓口で署名用電子証明書の発行を受けて申請できます。カードはこれまでどおり使えます。",
		"You cannot apply under 15.", "From the age of 15, have the municipality's desk issue a signature certificate, then apply. The card goes on working.")
	ErrNoSignature = problem.NewRefused(403, CodeNoSignature,
		"このカードには署名用電子証明書がありません。", "住所地の市区町村の窓口で署名用電子証明書の発行を受けると、申請できます。15歳未満の方には発行していません。",
		"This card has no signature certificate.", "The municipality's desk issues one; then you can apply. People under 15 are issued none.")
	ErrCardRevoked = problem.NewRefused(403, CodeCardRevoked,
		"カードの署名用電子証明書が失効しています。", "引っ越しや氏名の変更のあとは、市区町村の窓口で署名用電子証明書を新しくしてください。",
		"The card's signature certificate is revoked.", "After moving or a change of name, have it renewed at the municipality's desk.")
	ErrCardHeld = problem.NewRefused(403, CodeCardHeld,
		"カードの電子証明書が一時停止中です。", "カードが見つかったら、市区町村の窓口または電話で一時停止を解除してください。",
		"The card's certificate is on hold.", "If you found the card, have the hold lifted at the municipality's desk or by telephone.")
	ErrCardExpired = problem.NewRefused(403, CodeCardExpired,
		"カードの署名用電子証明書の有効期限が切れています。", "市区町村の窓口で電子証明書を更新してください。",
		"The card's signature certificate has expired.", "Have it renewed at the municipality's desk.")
	ErrCardUnknown = problem.NewRefused(403, CodeCardUnknown,
		"このカードの記録がありません。", "市区町村の窓口におたずねください。",
		"There is no record of this card.", "Ask at the municipality's desk.")
	ErrPersonDied = problem.NewRefused(403, CodePersonDied,
		"住民票の登録が確認できません。", "市区町村の窓口におたずねください。",
		"The register has no resident of this certificate.", "Ask at the municipality's desk.")
)

// Refusals of an attestation. With adds "which".
var (
	ErrAttestationMalformed = problem.NewRefused(400, CodeAttestationMalformed,
		"端末の証明を読めませんでした。", "OSとアプリを新しくしてから、もう一度お試しください。",
		"What the phone says about its key could not be read.", "Update system and app and try again.")
	ErrAttestationRoot = problem.NewRefused(403, CodeAttestationRoot,
		"この端末のメーカーを確認できません。", "対応している機種の一覧をご覧ください。何も登録されていません。カードはこれまでどおり使えます。",
		"The maker of this phone is not one we know.", "See the list of supported models. Nothing was registered; the card goes on working.")
	ErrAttestationChallenge = problem.NewRefused(403, CodeAttestationChallenge,
		"端末の証明が、この申請のために作られたものではありません。", "申請をはじめからやり直してください。",
		"What the phone says about its key was not made for this application.", "Begin the application again.")
	ErrAttestationKey = problem.NewRefused(403, CodeAttestationKey,
		"端末の証明が別の鍵のものです。", "申請をはじめからやり直してください。",
		"The phone vouches for another key.", "Begin the application again.")
	ErrAttestationLevel = problem.NewRefused(403, CodeAttestationLevel,
		"鍵が安全なチップの中で作られていません。", "対応している機種の一覧をご覧ください。",
		"The key was not made inside a secure chip.", "See the list of supported models.")
	ErrAttestationPurpose = problem.NewRefused(403, CodeAttestationPurpose,
		"鍵の使いみちが署名だけになっていません。", "アプリを新しくしてから、もう一度お試しください。",
		"The key is for more than signing.", "Update the app and try again.")
	ErrAttestationExportable = problem.NewRefused(403, CodeAttestationExportable,
		"鍵を端末の外に取り出せる状態です。", "対応している機種の一覧をご覧ください。",
		"The key could leave the phone.", "See the list of supported models.")
	ErrAttestationBoot = problem.NewRefused(403, CodeAttestationBoot,
		"端末のシステムが改造されているか、ロックが外されています。", "メーカーの正規のシステムに戻してから、もう一度お試しください。",
		"The phone's system is not the maker's, or its boot lock is open.", "Restore the maker's system, lock it and try again.")
	ErrAttestationElement = problem.NewRefused(403, CodeAttestationElement,
		"申請を始めた端末のチップと違います。", "申請を始めた端末で、はじめからやり直してください。",
		"This is not the chip that began the application.", "Begin again on one phone.")
	ErrUnsupportedPhone = problem.NewRefused(403, CodeUnsupportedPhone,
		"この機種には対応していません。", "対応している機種の一覧をご覧ください。カードはこれまでどおり使えます。",
		"This model is not supported.", "See the list of supported models. The card goes on working.")
)

// Refusals of keys, registration and suspension.
var (
	ErrCSR = problem.NewRefused(400, CodeCSR,
		"鍵の証明要求が正しくありません。", "申請の続きからもう一度お試しください。",
		"The request for a certificate is not signed by its own key.", "Go on with the application once more.")
	ErrKeyUnsuitable = problem.NewRefused(403, CodeKeyUnsuitable,
		"この鍵には証明書を発行できません。", "申請をはじめからやり直してください。",
		"No certificate can be issued for this key.", "Begin the application again.")
	ErrCertificatesMismatch = problem.NewRefused(409, CodeCertificatesMismatch,
		"端末に書き込まれた証明書が、発行したものと違います。", "申請の続きからもう一度お試しください。",
		"The certificates in the phone are not those that were issued.", "Go on with the application once more.")
	ErrLockCodeVerifier = problem.NewRefused(400, CodeLockCodeVerifier,
		"停止コードの記録の形が正しくありません。", "アプリを新しくしてから、もう一度お試しください。",
		"The record of the lock code has a wrong form.", "Update the app and try again.")
	ErrLockCodeFormat = problem.NewYourTurn(400, CodeLockCodeFormat,
		"生年月日または停止コードの数字を確かめてください。", "停止コードは11けたです。回数には数えていません。",
		"Check the birth date and the digits of the lock code.", "A lock code has 11 digits. This did not count as a try.")
	ErrLockCodeDigit = problem.NewYourTurn(400, CodeLockCodeDigit,
		"停止コードのどこかの数字が違います。", "11けたのうち、どれかを打ち間違えています。控えと1つずつ見比べてください。回数には数えていません。",
		"A digit of the lock code is wrong.", "One of the 11 digits was mistyped: compare them with your note one by one. This did not count as a try.")
	ErrLockCodeWrong = problem.NewRefused(403, CodeLockCodeWrong,
		"生年月日と停止コードの組み合わせが合いません。", "控えを確かめて、もう一度入力してください。急ぐときはカードを使うか、窓口に電話してください。",
		"Birth date and lock code do not belong together.", "Check your note and try again. If it is urgent use the card, or call the helpdesk.")
	ErrTooManyTries = problem.NewRefused(429, CodeTooManyTries,
		"入力の回数が多すぎます。", "1時間ほど待つか、カードを使うか、窓口に電話してください。",
		"Too many tries.", "Wait an hour, use the card, or call the helpdesk.")
	ErrSuspensionLimit = problem.NewRefused(429, CodeSuspensionLimit,
		"このスマホは、7日のうちに3回止められています。", "いたずらを防ぐため、停止コード、電話、信頼できる人では、しばらく止められません。持ち主は、カードをだれのスマホにかざしても、ログイン中のポータルからでも、いつでも止められます。",
		"This phone was stopped three times in 7 days.", "Against misuse, lock code, telephone and trusted people cannot stop it for a while. Its owner always can: with the card on anybody's phone, or logged in at the portal.")
	ErrCAUnavailable = problem.NewCouldNotCheck(CodeCAUnavailable,
		"いま証明書を発行できません。", "申請は保存されています。しばらくしてから続きを行ってください。",
		"No certificate can be issued right now.", "The application is kept. Go on in a while.")
)

// Refusals at the doors of municipalities, verifiers and the portal.
var (
	ErrCaller = problem.NewRefused(401, CodeCaller,
		"呼び出し元を確認できません。", "登録された証明書で署名したクライアントアサーションが必要です。",
		"The caller could not be recognised.", "Send a client assertion signed under the operations authority.")
	ErrCallerRole = problem.NewRefused(403, CodeCallerRole,
		"この役割ではこの窓口を使えません。", "証明書の役割を確かめてください。",
		"This role may not use this door.", "Check the role in the certificate.")
	ErrBadRequest = problem.NewRefused(400, CodeBadRequest,
		"要求の内容が正しくありません。", "項目と形式を確かめてください。",
		"The request is not of the required form.", "Check its fields.")
	ErrIssuanceConflict = problem.NewRefused(409, CodeIssuanceConflict,
		"同じ発行番号で別の内容が届きました。", "先に届いた内容はそのまま残っています。",
		"Other content arrived under the same issuance id.", "What arrived first stands.")
	ErrEventConflict = problem.NewRefused(409, CodeEventConflict,
		"同じ異動番号で別の内容が届きました。", "先に届いた内容はそのまま残っています。",
		"Other content arrived under the same event id.", "What arrived first stands.")
	ErrEventNotApplicable = problem.NewRefused(409, CodeEventNotApplicable,
		"この異動は今の状態にはあてはまりません。", "カードと住民の状態を確かめてください。",
		"This event does not fit the present state.", "Check the state of the card and the person.")
	ErrUnknownPerson = problem.NewRefused(404, CodeUnknownPerson,
		"この住民の記録がありません。", "番号を確かめてください。",
		"There is no record of this person.", "Check the id.")
	ErrUnknownCard = problem.NewRefused(404, CodeUnknownCard,
		"この発行番号のカードはありません。", "発行番号を確かめてください。",
		"There is no record of this card.", "Check the issuance id.")
	ErrUnknownCertificate = problem.NewRefused(404, CodeUnknownCertificate,
		"この証明書は当認証局の発行したものではありません。", "証明書を確かめてください。",
		"This certificate was not issued here.", "Check the certificate.")
	ErrReleaseInvalid = problem.NewRefused(403, CodeReleaseInvalid,
		"本人の同意の署名を確認できません。", "もう一度、本人の同意を得てください。",
		"The holder's release does not hold.", "Ask the holder again.")
	ErrReleaseCertificate = problem.NewRefused(403, CodeReleaseCertificate,
		"同意に使われた証明書は、いま有効ではありません。", "本人に証明書の状態を確かめてもらってください。",
		"The certificate that signed the release is not good now.", "Have the holder look at the state of the certificate.")
	ErrGrantInvalid = problem.NewRefused(403, CodeGrantInvalid,
		"この照会の許可は使えません。", "もう一度ログインしてください。",
		"This grant cannot be used.", "Log in again.")
)

// Refusals of an application for a signature certificate alone.
var (
	ErrReissueElsewhere = problem.NewYourTurn(409, CodeReissueElsewhere,
		"このスマホは、いま登録されているスマホではありません。", "登録されているスマホで操作するか、このスマホで新しく利用申請をしてください。",
		"This is not the phone that is registered.", "Use the registered phone, or apply anew on this one.")
	ErrReissueNotNeeded = problem.NewRefused(409, CodeReissueNotNeeded,
		"署名用電子証明書の再発行は必要ありません。", "いまの証明書が使えるか、一時停止中です。状態を確かめてください。何も変わっていません。",
		"No new signature certificate is needed.", "The present one is good, or on hold. Look at its state. Nothing has changed.")
)

// Refusals of a card's word.
var (
	ErrWordMalformed = problem.NewRefused(400, CodeWordMalformed,
		"カードからの届け出を読めませんでした。", "もう一度カードをかざしてください。何も変わっていません。",
		"The word of the card could not be read.", "Tap the card again. Nothing has changed.")
	ErrWordSignature = problem.NewRefused(403, CodeWordSignature,
		"カードの署名が正しくありません。", "もう一度カードをかざしてください。何も変わっていません。",
		"The card's signature does not match.", "Tap the card again. Nothing has changed.")
	ErrWordCertificate = problem.NewRefused(403, CodeWordCertificate,
		"このスマホを登録した人のカードではありません。", "登録した人のカードをかざしてください。何も変わっていません。",
		"This is not the card of the person who registered the phone.", "Tap that person's card. Nothing has changed.")
	ErrNothingToResume = problem.NewRefused(409, CodeNothingToResume,
		"このスマホは、紛失の届け出による一時停止中ではありません。", "いまの状態を確かめてください。何も変わっていません。",
		"This phone is not on hold as lost or suspected.", "Look at its state. Nothing has changed.")
	ErrNoPhone = problem.NewRefused(404, CodeNoPhone,
		"登録されているスマホはありません。", "一時停止するものはありません。心配なときは市区町村の窓口にお尋ねください。",
		"No phone is registered.", "There is nothing to suspend. If you are worried, ask the municipality's desk.")
)

// Refusals among people who trust each other.
var (
	ErrTrustUnknown = problem.NewRefused(404, CodeTrustUnknown,
		"この関係は、もうないか、まだ確かめられていません。", "「信頼できる人」の画面で、いまの状態を確かめてください。何も変わっていません。",
		"This relation has ended, or is not confirmed yet.", "See how it stands under “People you trust”. Nothing has changed.")
	ErrTrustedLimit = problem.NewRefused(409, CodeTrustedLimit,
		"信頼できる人は3人までです。", "だれかとの関係か招待を終わりにすると、新しく招待できます。",
		"You can trust three people at most.", "End a relation or an invitation to make another.")
	ErrTrustedAlready = problem.NewRefused(409, CodeTrustedAlready,
		"この人とは、もう関係があります。", "「信頼できる人」の画面で、いまの状態を確かめてください。",
		"There is a relation with this person already.", "See how it stands under “People you trust”.")
	ErrCallName = problem.NewYourTurn(400, CodeCallName,
		"呼び名は、文字と数字で20文字までで入力してください。", "記号は使えません。まだ何も作っていません。",
		"Enter names of up to 20 letters and digits.", "Other signs cannot be used. Nothing was made yet.")
	ErrInvitationFormat = problem.NewYourTurn(400, CodeInvitationFormat,
		"招待の番号は9けたの数字です。", "相手の画面に出ている番号を入力してください。回数には数えていません。",
		"The code of an invitation has 9 digits.", "Enter the one that the other person's page shows. This did not count as a try.")
	ErrInvitationDigit = problem.NewYourTurn(400, CodeInvitationDigit,
		"招待の番号のどこかの数字が違います。", "相手の画面の番号と、1つずつ見比べてください。回数には数えていません。",
		"A digit of the invitation's code is wrong.", "Compare it with the other person's page, digit by digit. This did not count as a try.")
	ErrInvitationWrong = problem.NewRefused(403, CodeInvitationWrong,
		"この番号の招待はありません。", "24時間が過ぎたか、取り消されたか、もう使われています。招待した人に、番号をもう一度確かめてください。",
		"There is no invitation with this code.", "Its 24 hours are over, it was ended, or it was used. Ask the person who invited you for the code again.")
	ErrInvitationOwn = problem.NewRefused(409, CodeInvitationOwn,
		"自分で作った招待です。", "頼みたい人に番号を伝え、その人のスマホでログインして入力してもらってください。",
		"You made this invitation yourself.", "Tell the code to the person you trust, who enters it after logging in with a phone of their own.")
	ErrInvitationTries = problem.NewRefused(429, CodeInvitationTries,
		"番号の入力の回数が多すぎます。", "1時間ほど待ってから、招待した人に番号を確かめて、もう一度入力してください。",
		"Too many codes were tried.", "Wait an hour, ask the person who invited you for the code, and try again.")
)
