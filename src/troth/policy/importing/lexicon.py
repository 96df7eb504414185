"""The words by which a line's subject is guessed, in English and Chinese. A guess, never a judgement.

Each table is in the order in which its rows are tried: what is more particular stands first, because a word that one
row has taken is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from troth.policy.vocabulary import Channel, Circumstance, CookieCategory, LegalBasis, Measure, Right, Safeguard

Table = tuple[tuple[str, re.Pattern[str]], ...]


def _table(rows: Mapping[str, str]) -> Table:
    return tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in rows.items())


SECTIONS = _table(
    {
        "cookies": r"\bcookies?\b|tracking technolog|similar technolog|do not track|web beacons?|\bpixels?\b|local storage|Cookie",
        "links": r"\b(third[- ]party |external |other )?(web ?)?sites?' ?links?|\blinks?\b|\bother (web ?)?sites\b|external (web ?)?sites|第三方链接|外部链接|链接",
        "updates": r"\bchang(?:e|es|ing)\b|\bupdat(?:e|es|ed|ing)\b|amend|\brevis|\bversions?\b|更新|变更|修订|修改",
        "rights": r"\brights?\b|\bchoices\b|your (?:options|controls?)|opt(?:ing)?[- ]out|access and correct|权利|您的选择|管理您的",
        "sharing": r"\bshar(?:e|es|ed|ing)\b|disclos|recipients?|third[- ]part|service providers?|processors?\b|transfers?\b|\bsell|international|who (?:receives|sees|gets)|共享|披露|转让|第三方|跨境|提供给",
        "protection": r"\bprotect(?:ion|ed|ing|s)?\b|secur|safeguard|\bretention|\bretain|\bstor(?:e|ed|age|ing)\b|how long|\bkeep\b|\bkept\b|breach|confidential|保护|安全|保存|存储|保留|期限",
        "contact": r"\bcontact|reach us|get in touch|questions|complain|who we are|about us|controller|imprint|responsible|supervisory authority|data protection officer|联系|投诉|我们是谁|关于我们|公司信息",
        "use": r"\bus(?:e|es|ed|ing|age)\b|\bpurposes?\b|legal (?:basis|bases|grounds?)|lawful|\bwhy\b|process(?:ing|es)?\b|marketing|\bprofiling|automated decision|使用|用途|目的|处理|法律依据|合法性基础|营销",
        "collection": r"collect|gather|information (?:you|we)|data we|personal (?:data|information)|what (?:data|information)|categories|sources?\b|children|minors|收集|个人信息|未成年|儿童",
    }
)

CATEGORIES = _table(
    {
        "transaction.billing_address": r"billing address(?:es)?|账单地址",
        "device.ip": r"\bIP[- ]?address(?:es)?|internet protocol address(?:es)?|\bIP\b|IP ?地址",
        "contact.email": r"e-?mail(?: address(?:es)?)?|电子邮[件箱](?:地址)?|邮箱(?:地址)?|邮件地址",
        "account.username": r"user ?names?|login names?|screen names?|用户名|账号名|登录名",
        "account.id": r"(?:account|customer|user|member) (?:number|id)s?|用户ID|账号(?!信息|安全)",
        "account.password": r"pass ?(?:words?|phrases?)|密码|口令",
        "account.settings": r"account settings|preferences|偏好设置|账户设置",
        "contact.fax": r"\bfax(?: numbers?)?|传真",
        "contact.phone": r"(?:tele|cell|mobile )?phone(?: numbers?)?|mobile numbers?|手机号码?|电话号码|联系电话|手机",
        "contact.url": r"(?:personal )?(?:web ?site|web) address(?:es)?|个人网址",
        "profile.avatar": r"avatars?|profile (?:picture|photo|image)s?|photographs?|头像|照片",
        "profile.bio": r"\b(?:personal )?bio(?:graph(?:y|ies)|s)?\b|about yourself|个人简介|个性签名",
        "identity.national_id": r"national id(?:entity)?(?: numbers?| cards?)?|identity (?:cards?|documents?)|social security numbers?|身份证(?:号码?)?",
        "identity.passport": r"passport(?: numbers?)?|护照(?:号码?)?",
        "identity.licence": r"driv(?:er'?s?|ing) licen[cs]e(?: numbers?)?|驾驶证",
        "identity.tax_number": r"tax(?:payer)? (?:number|id)s?|\bVAT(?: numbers?)?|税号",
        "identity.birth_date": r"dates? of birth|birth ?da(?:y|te)s?|出生日期|生日",
        "identity.birth_place": r"place of birth|出生地",
        "identity.gender": r"\bgender|\bsex\b(?! life)|性别",
        "identity.age": r"\bages?\b|年龄",
        "identity.nationality": r"nationalit(?:y|ies)|citizenship|国籍",
        "identity.marital_status": r"marital status|婚姻状况",
        "identity.language": r"language(?: preferences?| settings?)?s?|语言",
        "payment.card_number": r"(?:credit|debit|payment|bank) ?cards?(?: numbers?| details| data| information)?|card numbers?|银行卡号?|信用卡号?",
        "payment.bank_account": r"bank (?:account|details)(?: numbers?)?s?|\bIBAN|银行账[户号]",
        "payment.token": r"payment tokens?|支付令牌",
        "transaction.payment_method": r"payment (?:methods?|means|information|details|data)|支付方式|付款方式|支付信息",
        "transaction.purchase": r"(?:purchase|order|transaction|shopping) (?:histor(?:y|ies)|records?|details?|data|information)|purchases|\borders? you place|订单(?:信息|记录)?|购买记录|交易(?:记录|信息)",
        "contact.address": r"(?:(?:postal|mailing|home|street|delivery|shipping|residential) )?address(?:es)?\b|收货地址|邮寄地址|通讯地址|住址|联系地址",
        "contact.organisation": r"company name|organi[sz]ation(?: name)?\b|公司名称|单位名称",
        "profile.name": r"(?:(?:first|last|full|given|family|your|real) )*\bnames?\b|姓名|昵称|称呼",
        "communication.feedback": r"feedback|reviews?\b|survey (?:answers|responses)|反馈|评价",
        "communication.newsletter": r"newsletters?|邮件订阅",
        "communication.message": r"messages?\b|correspondence|communications? (?:with|between|content)|support (?:requests|tickets)|聊天记录|消息|通信内容|沟通记录|留言",
        "device.user_agent": r"user[- ]agent",
        "device.browser": r"(?:type of |kind of )?browser(?: types?| versions?| type and version)?|浏览器(?:类型|版本)?",
        "device.os": r"operating systems?|操作系统",
        "device.id": r"(?:unique )?device (?:id(?:entifier)?s?|numbers?)|advertising id(?:entifier)?s?|设备(?:标识|识别)(?:符|码)?|设备号",
        "device.fingerprint": r"(?:device|browser) fingerprints?|设备指纹",
        "device.type": r"device (?:types?|models?|information)|types? of device|设备(?:类型|型号)",
        "device.cookie": r"cookie (?:id(?:entifier)?s?|numbers?)",
        "usage.visit_time": r"access times?|(?:date|day|time)s?(?: and (?:date|time)s?)? of (?:your )?(?:access|visits?)|time ?stamps?|访问时间|登录时间",
        "usage.page": r"(?:browsed|visited|viewed) pages|pages? (?:(?:that )?you )?(?:view(?:ed)?|visit(?:ed)?|open(?:ed)?|browsed?)|browsing (?:history|data)|浏览(?:的)?页面|访问(?:的)?页面|浏览记录",
        "usage.search": r"search (?:queries|query|histor(?:y|ies)|terms?)|searches|搜索(?:记录|关键词|词)?",
        "usage.click": r"click ?streams?(?: data)?|clicks\b|点击(?:流|记录)?",
        "usage.interaction": r"interactions?(?: data)?|交互(?:数据)?",
        "location.precise": r"(?:precise|exact|gps) (?:geo)?location|\bGPS\b|精确位置|精准定位",
        "location.approximate": r"(?:approximate|rough|coarse|general)(?: geographic(?:al)?)? location|(?:city|country|region)(?: or (?:city|country|region))? (?:you|level)|location (?:data|information)|大致位置|地理位置|所在城市|位置信息",
        "work.job_title": r"job titles?|occupations?|professions?|职业|职务|职位",
        "work.employment": r"employment history|employers?|工作经历",
        "work.salary": r"salar(?:y|ies)|\bincome\b|薪[资酬]|收入",
        "education.record": r"education(?:al)?(?: background| history)?|学历|教育(?:经历|背景)",
        "family.relation": r"family members?|next of kin|家庭成员",
        "health.record": r"\bhealth|medical|健康|医疗",
        "biometric.template": r"biometric|face (?:scans?|recognition)|finger ?prints?|生物识别|人脸|指纹",
        "genetic.data": r"genetic|基因",
        "origin.ethnic": r"(?:racial|ethnic)(?: or (?:racial|ethnic))? origin|\brace\b|民族",
        "belief.religion": r"religio|宗教",
        "belief.politics": r"political (?:opinions?|views)|政治",
        "union.membership": r"trade union",
        "sexuality.orientation": r"sexual orientation|sex life|性取向",
        "criminal.record": r"criminal|犯罪",
    }
)

PURPOSES = _table(
    {
        "terms": r"terms of (?:service|use)|terms and conditions|enforce (?:our|the)|服务条款|用户协议",
        "legal": r"legal (?:obligation|dut|requirement)|comply with|compliance with|required by law|法律义务|法定义务|法律法规",
        "fraud": r"fraud|欺诈|诈骗",
        "security": r"secur|protect (?:our |the )?users?|abuse|technical (?:issues|problems|faults)|安全",
        "personalisation": r"personali[sz]|tailor|recommend|customi[sz]e|个性化|推荐",
        "advertising": r"advertis|\bads\b|广告",
        "marketing": r"marketing|promotion|newsletters?|special offers|news about|营销|推广|促销|订阅",
        "research": r"research|surveys?|调研|研究",
        "analytics": r"analy[sz]|statistic|measure how|usage trends|how (?:people|visitors|you) use|分析|统计",
        "notices": r"notif|notices|confirmations?|updates about your|通知|提醒",
        "support": r"customer (?:support|service)|support requests?|answer your|respond to|your questions|客服|客户服务|咨询",
        "transactions": r"transactions?|\borders?\b|payments?|purchases?|deliver(?:y|ies)?\b|ship(?:ping)? |交易|订单|支付|付款|配送",
        "service.improve": r"improv|develop (?:new|our)|enhance|改进|改善|优化",
        "service.provide": r"(?:provid|deliver|operat|run|maintain|offer)\w*(?:,? (?:and |or )?\w+){0,4} (?:services?|sites?|websites?|shop|store|platform|apps?|products?|accounts?)|(?:create|manage|set up) (?:and \w+ )?your account|提供(?:.{0,8})(?:服务|产品)|运营|注册账[户号]|维护",
    }
)

BASES = _table(
    {
        LegalBasis.VITAL_INTERESTS: r"vital interests?|life or (?:death|health)|生命健康|重大利益",
        LegalBasis.PUBLIC_TASK: r"public (?:task|authority)|task in the public interest|公共利益|新闻报道",
        LegalBasis.LEGITIMATE_INTERESTS: r"legitimate interests?|正当利益|合法利益",
        LegalBasis.LEGAL_OBLIGATION: r"legal (?:obligations?|dut(?:y|ies)|requirements?)|required by law|法定(?:义务|职责)|法律义务",
        LegalBasis.CONTRACT: r"\bcontracts?\b|perform(?:ance of)? (?:our|the|an) agreement|合同",
        LegalBasis.CONSENT: r"\bconsents?\b|同意",
    }
)

MEASURES = _table(
    {
        Measure.TRAINING: r"\btrain(?:ing|ed|s)?\b|培训",
        Measure.TLS: r"\b(?:SSL|TLS|HTTPS)\b|encrypt\w*(?: \w+){0,3} (?:transit|transmission|transfer)|传输加密|加密传输",
        Measure.AUDITS: r"audits?\b|vulnerabilit|penetration test|security (?:assessments?|reviews?|tests?)|审计|漏洞|渗透测试|安全评估",
        Measure.ACCESS_CONTROL: r"access (?:controls?|rights|restrictions?)|authentication|need[- ]to[- ]know|\bauthori[sz]ed (?:staff|personnel|employees|people)|restrict(?:s|ed)? access|two[- ]factor|访问控制|身份验证|身份认证|权限",
        Measure.INFRASTRUCTURE: r"infrastructure|secure servers?|firewalls?|data cent(?:er|re)s?|patche[sd]|服务器|防火墙|基础设施",
    }
)

CIRCUMSTANCES = _table(
    {
        Circumstance.BUSINESS_TRANSFER: r"merger|acqui(?:sition|red)|asset sale|sale of (?:our|the|all)|reorgani[sz]|business transfer|insolvency|合并|收购|重组|分立|破产",
        Circumstance.LEGAL_DEMAND: r"required by law|legal (?:requirement|process|obligation)s?|court|government|law enforcement|public authorities|法律要求|法律法规|政府|司法|行政机关",
        Circumstance.PROCESSOR: r"vendors?|service providers?|processors?\b|suppliers?|contractors?|供应商|服务商|受托",
        Circumstance.CONSENT: r"\bconsents?\b|your permission|同意",
    }
)

SAFEGUARDS = _table(
    {
        Safeguard.TOKENS_ONLY: r"PCI|tokens?\b|tokeni[sz]|令牌",
        Safeguard.ANONYMISED: r"anonymi[sz]|aggregated|匿名|去标识",
        Safeguard.MASKED: r"access controls?|mask|pseudonymi[sz]|脱敏|访问控制",
        Safeguard.ENCRYPTED: r"encrypt|加密",
    }
)

RIGHTS = _table(
    {
        Right.PORTABILITY: r"portab|machine[- ]readable|可携带|转移",
        Right.RESTRICTION: r"restrict|limit (?:the )?(?:use|processing)|限制",
        Right.ERASURE: r"delet|eras(?:e|ure)|forgotten|remove your|删除|注销",
        Right.RECTIFICATION: r"correct|rectif|inaccura|amend your|更正|补充|修改",
        Right.OBJECTION: r"\bobject|反对|拒绝",
        Right.ACCESS: r"\baccess|copy of|查阅|复制|访问",
    }
)

COOKIES = _table(
    {
        CookieCategory.ESSENTIAL: r"essential|necessary|required cookies|必[要需]",
        CookieCategory.MARKETING: r"marketing|advertis|target(?:ed|ing)|营销|广告",
        CookieCategory.PERFORMANCE: r"performance|analy|statistic|measurement|性能|分析|统计",
        CookieCategory.FUNCTIONAL: r"function|preferences?|功能|偏好",
    }
)

CHANNELS = _table(
    {
        Channel.OFFICER: r"data protection officer|privacy officer|\bDPO\b|representative|datenschutzbeauftragte|个人信息保护负责人|保护官|负责人",
        Channel.PHONE: r"\bphone|telephone|\btel\b|\bcall\b|hotline|电话|热线",
        Channel.POST: r"address|\bpost\b|by mail|by letter|write to us|地址|邮寄|信函",
        Channel.MAIL: r"e-?mail|邮箱|电子邮件|邮件",
    }
)

LAWS = _table(
    {
        "uk-gdpr": r"UK GDPR|Data Protection Act 2018",
        "gdpr": r"GDPR|2016/679|General Data Protection Regulation|DSGVO|RGPD|European Economic Area|\bEEA\b",
        "ccpa": r"CCPA|CPRA|California Consumer Privacy|California residents?",
        "pipl": r"\bPIPL\b|Personal Information Protection Law|个人信息保护法",
        "lgpd": r"\bLGPD\b|Lei Geral de Prote",
        "fadp": r"\bFADP\b|\bnFADP\b|\brevDSG\b|Swiss Federal Act on Data Protection",
        "quebec": r"Quebec|Québec|Law 25",
        "pipeda": r"PIPEDA",
        "virginia": r"\bVCDPA\b|Virginia Consumer Data",
        "colorado": r"Colorado Privacy Act",
        "connecticut": r"Connecticut Data Privacy|\bCTDPA\b",
        "india": r"Digital Personal Data Protection Act|\bDPDP",
        "japan": r"\bAPPI\b|Act on the Protection of Personal Information|個人情報",
        "korea": r"Republic of Korea|\bPIPA\b",
    }
)
GDPR_WORDS = re.compile(r"legitimate interests?|data protection officer|data portability|supervisory authority", re.IGNORECASE)

NEGATIVE = re.compile(
    r"\b(?:do|does|will|shall|can)(?: not|n't) (?:knowingly |intentionally |ever )?"
    r"(?:collect|ask|share|sell|disclose|process|use|store|provide|require|keep|rent|trade)"
    r"|\bnever\b|\bnot (?:collected|shared|sold|disclosed)|不会|不收集|绝不",
    re.IGNORECASE,
)
OPT_OUT = re.compile(r"opt[- ]?out|unsubscribe|at any time|退订|随时", re.IGNORECASE)
COMPLAINT = re.compile(
    r"(?:lodge|file|make|right to|submit) (?:a )?complain|complain(?:t)?s? (?:to|with)|supervisory authority|投诉|举报", re.IGNORECASE
)
UPDATED = re.compile(r"\b(?:updated|revised|modified|changed|amended|last update)\b|更新(?:日期|时间|于)|最近更新|修订", re.IGNORECASE)
EFFECTIVE = re.compile(r"\beffective\b|in force|valid from|applies from|takes effect|生效", re.IGNORECASE)
BASIS_TITLE = re.compile(r"legal (?:basis|bases|grounds?)|lawful|grounds? (?:for|of)|法律依据|合法性基础", re.IGNORECASE)

TYPICAL_DATA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "service.provide": ("account.*", "contact.*", "profile.*"),
        "service.improve": ("usage.*", "device.*"),
        "transactions": ("transaction.*", "payment.*", "contact.address"),
        "notices": ("contact.email", "contact.phone"),
        "support": ("communication.*", "contact.email"),
        "marketing": ("contact.email", "profile.name"),
        "analytics": ("usage.*", "device.*"),
        "research": ("communication.feedback", "transaction.purchase", "usage.*"),
        "personalisation": ("usage.*", "transaction.purchase"),
        "advertising": ("usage.*", "device.*"),
        "fraud": ("transaction.*", "payment.*", "device.ip"),
        "security": ("device.ip", "usage.visit_time", "account.username"),
        "legal": ("transaction.*",),
        "terms": ("account.*",),
    }
)
TYPICAL_BASIS: Mapping[str, LegalBasis] = MappingProxyType(
    {
        "service.provide": LegalBasis.CONTRACT,
        "transactions": LegalBasis.CONTRACT,
        "notices": LegalBasis.CONTRACT,
        "support": LegalBasis.CONTRACT,
        "marketing": LegalBasis.CONSENT,
        "advertising": LegalBasis.CONSENT,
        "analytics": LegalBasis.CONSENT,
        "personalisation": LegalBasis.CONSENT,
        "legal": LegalBasis.LEGAL_OBLIGATION,
        "service.improve": LegalBasis.LEGITIMATE_INTERESTS,
        "research": LegalBasis.LEGITIMATE_INTERESTS,
        "fraud": LegalBasis.LEGITIMATE_INTERESTS,
        "security": LegalBasis.LEGITIMATE_INTERESTS,
        "terms": LegalBasis.LEGITIMATE_INTERESTS,
    }
)


def found_in(table: Table, text: str) -> tuple[str, ...]:
    """The names of the rows that `text` speaks of, in the order of the text; a word counts for one row only."""
    places: list[tuple[int, str]] = []
    for name, pattern in table:
        match = pattern.search(text)
        if match is None:
            continue
        places.append((match.start(), name))
        text = pattern.sub(lambda taken: "\0" * len(taken[0]), text)
    return tuple(name for _, name in sorted(places))


def first_in(table: Table, texts: Iterable[str]) -> str | None:
    """The first row of the table that matches the first of `texts` in which any row matches."""
    for text in texts:
        for name, pattern in table:
            if text and pattern.search(text):
                return name
    return None
