package ocserr

// The bases of the two families: MSGR_E(e) = 0x81000300 + e, MSGR_S(e) = 0x01000300 + e
// (Communicator SDK header). The offsets are not consecutive: after 0x59 comes 0x60, after 0x69 0x70,
// after 0x78 0x80, after 0x89 0x90. Never write them with iota.
const (
	base  Code = 0x81000300 - 1<<32
	sbase Code = 0x01000300
)

// Plain COM values that the members concerned with sign-in use.
const (
	OK                Code = 0
	False             Code = 1
	NotImpl           Code = 0x80004001 - 1<<32
	Fail              Code = 0x80004005 - 1<<32
	ClassNotAvailable Code = 0x80040111 - 1<<32
	NullRefPointer    Code = 0x800706F4 - 1<<32
	OutOfMemory       Code = 0x8007000E - 1<<32
	InvalidArg        Code = 0x80070057 - 1<<32
)

// The failures of the Automation API: MSGR_E_*.
const (
	Connect                         Code = base + 0x01
	InvalidServerName               Code = base + 0x02
	InvalidPassword                 Code = base + 0x03
	AlreadyLoggedOn                 Code = base + 0x04
	ServerVersion                   Code = base + 0x05
	LogonTimeout                    Code = base + 0x06
	ListFull                        Code = base + 0x07
	AIReject                        Code = base + 0x08
	AIRejectNotInst                 Code = base + 0x09
	UserNotFound                    Code = base + 0x0A
	AlreadyInList                   Code = base + 0x0B
	Disconnected                    Code = base + 0x0C
	Unexpected                      Code = base + 0x0D
	ServerTooBusy                   Code = base + 0x0E
	InvalidAuthPackages             Code = base + 0x0F
	NewerClientAvailable            Code = base + 0x10
	AITimeout                       Code = base + 0x11
	Cancel                          Code = base + 0x12
	TooManyMatches                  Code = base + 0x13
	ServerUnavailable               Code = base + 0x14
	LogonUIActive                   Code = base + 0x15
	OptionUIActive                  Code = base + 0x16
	ContactUIActive                 Code = base + 0x17
	PrimaryServiceNotLoggedOn       Code = base + 0x18
	LoggedOn                        Code = base + 0x19
	ConnectProxy                    Code = base + 0x1A
	ProxyAuth                       Code = base + 0x1B
	ProxyAuthType                   Code = base + 0x1C
	InvalidProxyName                Code = base + 0x1D
	NotLoggedOn                     Code = base + 0x1E
	PopupUIActive                   Code = base + 0x1F
	NotPrimaryService               Code = base + 0x20
	TooManySessions                 Code = base + 0x21
	TooManyMessages                 Code = base + 0x22
	RemoteLogin                     Code = base + 0x23
	InvalidFriendlyName             Code = base + 0x24
	SessionFull                     Code = base + 0x25
	NotAllowingNewUsers             Code = base + 0x26
	InvalidDomain                   Code = base + 0x27
	TCPError                        Code = base + 0x28
	SessionTimeout                  Code = base + 0x29
	MultipointSessionBeginTimeout   Code = base + 0x2A
	MultipointSessionEndTimeout     Code = base + 0x2B
	ReverseListFull                 Code = base + 0x2C
	ServerError                     Code = base + 0x2D
	SystemConfig                    Code = base + 0x2E
	NoDirectory                     Code = base + 0x2F
	RetrySet                        Code = base + 0x30
	ChildWithoutConsent             Code = base + 0x31
	UserCancelled                   Code = base + 0x32
	CancelBeforeConnect             Code = base + 0x33
	VoiceIMTimeout                  Code = base + 0x34
	NotAcceptingPages               Code = base + 0x35
	EmailPassportNotValidated       Code = base + 0x36
	AudioUIActive                   Code = base + 0x37
	NoHardware                      Code = base + 0x38
	PagingUnavailable               Code = base + 0x39
	PhoneInvalidNumber              Code = base + 0x3A
	PhoneNoFunds                    Code = base + 0x3B
	VoiceNoAnswer                   Code = base + 0x3C
	VoiceWaveInDevice               Code = base + 0x3D
	FTTimeout                       Code = base + 0x3E
	MessageTooLong                  Code = base + 0x3F
	VoiceFirewall                   Code = base + 0x40
	VoiceNetConn                    Code = base + 0x41
	PhoneCircuitsBusy               Code = base + 0x42
	ServerProtocol                  Code = base + 0x43
	UnavailableViaHTTP              Code = base + 0x44
	PhoneInvalidPIN                 Code = base + 0x45
	PhonePINProceedTimeout          Code = base + 0x46
	ServerShutdown                  Code = base + 0x47
	ClientDisallowed                Code = base + 0x48
	PhoneCallNotComplete            Code = base + 0x49
	GroupsNotEnabled                Code = base + 0x4A
	GroupAlreadyExists              Code = base + 0x4B
	TooManyGroups                   Code = base + 0x4C
	GroupDoesNotExist               Code = base + 0x4D
	UserNotGroupMember              Code = base + 0x4E
	GroupNameTooLong                Code = base + 0x4F
	GroupNotEmpty                   Code = base + 0x50
	BadGroupName                    Code = base + 0x51
	PhoneServiceUnavailable         Code = base + 0x52
	CannotRename                    Code = base + 0x53
	CannotDelete                    Code = base + 0x54
	InvalidService                  Code = base + 0x55
	PolicyRestricted                Code = base + 0x56
	Busy                            Code = base + 0x57
	DNSSRVFail                      Code = base + 0x58
	DNSAResFail                     Code = base + 0x59
	NoServerAddressSpecified        Code = base + 0x60
	TLSFail                         Code = base + 0x61
	IncompatibleEncryption          Code = base + 0x62
	SSLTunnelFailed                 Code = base + 0x63
	SIPTimeout                      Code = base + 0x64
	IncompatibleIM                  Code = base + 0x65
	MIMAddToContactsFail            Code = base + 0x66
	InvalidAddressFormat            Code = base + 0x67
	InvalidCertificate              Code = base + 0x68
	AuthTimeSkew                    Code = base + 0x69
	ChangedCredentials              Code = base + 0x70
	SIPLoginForbidden               Code = base + 0x71
	SIPHighSecuritySetTLS           Code = base + 0x72
	CalleeInsufficientSecurityLevel Code = base + 0x73
	CallerPeer2PeerCallsNotAllowed  Code = base + 0x74
	SIPUDPUnsupported               Code = base + 0x75
	SIPSearchForbidden              Code = base + 0x76
	InvalidServerVersion            Code = base + 0x77
	AuthServerUnavailable           Code = base + 0x78
	SessionRestricted               Code = base + 0x80
	ManagedUserInvalidCVR           Code = base + 0x81
	RestrictedUser                  Code = base + 0x82
	ProxyAuthRequired               Code = base + 0x83
	ProxyRealmMismatch              Code = base + 0x84
	ProxyPasswordIncorrect          Code = base + 0x85
	RestrictedUserLogonRestriced    Code = base + 0x86
	IEOffline                       Code = base + 0x87
	IECantConnect                   Code = base + 0x88
	AccountErrorRedirect            Code = base + 0x89
	IncomingInviteCancelled         Code = base + 0x90
	InviteAcceptedElsewhere         Code = base + 0x91
	AppInviteNotAcceptable          Code = base + 0x92
)

// The successes above zero of the Automation API: MSGR_S_*. None is documented for OnSignin.
const (
	SAlreadyInTheMode        Code = sbase + 0x01
	STransferSendBegun       Code = sbase + 0x02
	STransferSendFinished    Code = sbase + 0x03
	STransferReceiveBegun    Code = sbase + 0x04
	STransferReceiveFinished Code = sbase + 0x05
	SGroupAlreadyExists      Code = sbase + 0x06
	SSessionPending          Code = sbase + 0x07
	SConvIDMatch             Code = sbase + 0x08
)
