"""Rules about the servers that Relais needs."""

from typing import Final

from relais.parts import Part
from relais_monitor.alerts.figures import Figures
from relais_monitor.alerts.rule import Condition, Finding, Rule, Severity

_DATABASE: Final = "RelaisDatabaseDown"


def _broker_down(figures: Figures) -> tuple[Finding, ...] | None:
    if figures.broker_up is None:
        return None
    return () if figures.broker_up else (Finding(0.0),)


def _part_down(part: Part) -> Condition:
    def judge(figures: Figures) -> tuple[Finding, ...]:
        if not figures.workers_alive:  # nobody asks the part any more: that is RelaisNoWorker's to say
            return ()
        waiting = figures.workers_waiting.get(part, 0)
        return (Finding(waiting, {"part": part}),) if waiting >= figures.workers_alive else ()

    return judge


def _cut_off(figures: Figures) -> tuple[Finding, ...]:
    waiting = figures.workers_waiting.items()
    return tuple(Finding(count, {"part": part}) for part, count in waiting if 0 < count < figures.workers_alive)


def _short_of(resource: str) -> Condition:
    def judge(figures: Figures) -> tuple[Finding, ...] | None:
        if figures.broker_alarms is None:
            return None
        return (Finding(1.0),) if resource in figures.broker_alarms else ()

    return judge


def _down_expr(part: Part) -> str:
    return (
        f'max by (part) (relais_workers_waiting{{part="{part}"}})\n'
        f'and on (part)\nmax by (part) (relais_part_up{{part="{part}"}}) == 0'
    )


def _alarm(name: str, resource: str, metric: str) -> Rule:
    return Rule(
        name=name,
        severity=Severity.CRITICAL,
        for_s=60,
        summary=f"RabbitMQ has its {resource} alarm on.",
        description=f"RabbitMQ has too little {resource} left and blocks everybody who publishes. Messages are still "
        "accepted, as pending, and the sweeper announces them once the alarm is over.",
        unit="RabbitMQ nodes with the alarm",
        expr=f'max(relais_broker_alarm{{resource="{resource}"}}) == 1\nor on ()\ncount({metric} > 0)',
        condition=_short_of(resource),
    )


RULES: Final = (
    Rule(
        name="RelaisDatabaseDown",
        severity=Severity.CRITICAL,
        for_s=30,
        summary="PostgreSQL does not answer.",
        description="The monitor can't read the database, so the API refuses messages with 503 and no worker can take "
        "one. What was accepted is safe; everything goes on by itself once the database is back.",
        unit="monitors that can read the database",
        expr="max(relais_database_up) == 0",
        condition=lambda _figures: (),  # there are figures, so it answers; their absence is judged by the watch
    ),
    Rule(
        name="RelaisBrokerDown",
        severity=Severity.CRITICAL,
        for_s=60,
        summary="RabbitMQ does not take tokens.",
        description="The sweeper can't reach the broker, or the broker blocks it because of an alarm. Messages are "
        "still accepted, as pending, and are announced once the broker is back.",
        unit="sweepers that reach the broker",
        expr="max(relais_broker_up) == 0",
        condition=_broker_down,
        inhibited_by=(_DATABASE, "RabbitMQMemoryAlarm", "RabbitMQDiskAlarm"),
    ),
    Rule(
        name="RelaisOllamaDown",
        severity=Severity.CRITICAL,
        for_s=120,
        summary="No worker reaches the model server (Ollama).",
        description="All workers wait for Ollama. Messages are accepted and spend no attempts; the workers ask every "
        "few seconds whether it is back and go on by themselves.",
        unit="workers waiting for Ollama",
        expr=_down_expr(Part.OLLAMA),
        condition=_part_down(Part.OLLAMA),
        inhibited_by=(_DATABASE,),
    ),
    Rule(
        name="RelaisQdrantDown",
        severity=Severity.CRITICAL,
        for_s=120,
        summary="No worker reaches the search index (Qdrant).",
        description="All workers wait for Qdrant. Messages are accepted and spend no attempts; the workers ask every "
        "few seconds whether it is back and go on by themselves.",
        unit="workers waiting for Qdrant",
        expr=_down_expr(Part.QDRANT),
        condition=_part_down(Part.QDRANT),
        inhibited_by=(_DATABASE,),
    ),
    Rule(
        name="RelaisWorkersCutOff",
        severity=Severity.WARNING,
        for_s=600,
        summary="Some workers can't reach a server that others reach.",
        description="A part is up for some workers and down for others, which take nothing meanwhile. Their host or "
        "network is at fault, not the part.",
        unit="workers cut off",
        expr="max by (part) (relais_workers_waiting) > 0\nand on (part)\nmax by (part) (relais_part_up) == 1",
        condition=_cut_off,
        inhibited_by=(_DATABASE,),
    ),
    _alarm("RabbitMQMemoryAlarm", "memory", "rabbitmq_alarms_memory_used_watermark"),
    _alarm("RabbitMQDiskAlarm", "disk", "rabbitmq_alarms_free_disk_space_watermark"),
)
