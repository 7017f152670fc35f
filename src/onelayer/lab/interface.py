"""The words of the interface itself, in both languages: what a lesson's own prose need not say."""

from typing import Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

HTML_LANGUAGE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}

_WORDS: dict[str, dict[Language, str]] = {
    "language": {"zh": "中文", "en": "English"},
    "lab": {"zh": "onelayer 实验室", "en": "onelayer lab"},
    "about": {
        "zh": "单层神经网络：亲手做一遍。每一课都在本机运行真实的代码，不需要网络。",
        "en": "One-layer neural networks, by hand. Each lesson runs the real code on this machine, offline.",
    },
    "lessons": {"zh": "全部课程", "en": "All lessons"},
    "previous": {"zh": "上一课", "en": "Previous"},
    "next": {"zh": "下一课", "en": "Next"},
    "sections": {"zh": "笔记第 {sections} 节", "en": "In the notes: {sections}"},
    "starting": {"zh": "正在启动实验……", "en": "The experiment is starting …"},
    "stopped": {
        "zh": "实验室已经停止。请在终端再运行一次 onelayer lab，这一页就会从头开始。",
        "en": "The lab has ended. Run onelayer lab again in a terminal: this page then starts anew.",
    },
    "code": {"zh": "库中的代码", "en": "The library's code"},
    "claim": {"zh": "验证", "en": "Check"},
    "difference": {"zh": "相差", "en": "difference"},
    "tolerance": {"zh": "允许", "en": "allowed"},
    "holds": {"zh": "✓ 成立", "en": "✓ holds"},
    "fails": {"zh": "✗ 不成立", "en": "✗ fails"},
    "question": {"zh": "问题", "en": "Question"},
    "run": {"zh": "运行实验", "en": "Run the experiment"},
    "answer": {"zh": "答案", "en": "Answer"},
    "not_run": {
        "zh": "先猜一猜，再运行实验：结果和答案会出现在这里。",
        "en": "Guess first, then run the experiment: its result and the answer appear here.",
    },
    "not_found": {"zh": "没有这一页。", "en": "There is no such page."},
}


def language_in(path: str) -> Language | None:
    """Return the language in the path of an address, ``/zh/…``; None for one without."""
    parts = path.split("/")[:2]
    return next((language for language in LANGUAGES if language in parts), None)


def word(name: str, language: Language) -> str:
    """Return a word or a phrase of the interface.

    Raises:
        KeyError: if there is no such word.
    """
    return _WORDS[name][language]
