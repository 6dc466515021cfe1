using System.Globalization;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>The last batch stored of one spool of one agent.</summary>
/// <param name="Agent">The workload.</param>
/// <param name="SpoolEpoch">The spool.</param>
internal readonly record struct Spool(Guid Agent, ulong SpoolEpoch);

/// <summary>How far a spool is stored, and when that was.</summary>
/// <param name="Sequence">All batches up to this one count as stored.</param>
/// <param name="At">Unix milliseconds.</param>
internal readonly record struct Watermark(ulong Sequence, long At);

/// <summary>A row of <c>summaries</c>: a sighting whose names are resolved.</summary>
internal readonly record struct SummaryRow(Edge Edge, KnownProcess? Process, Sighting Sighting, long Window)
{
    /// <summary>
    /// What it adds to its edge's counts. An invalid packet is not an attempt to connect, so only its bytes count.
    /// </summary>
    public Tally Tally
    {
        get
        {
            var connections = Sighting is { Blocked: true, DecidedBy: BlockedBy.Invalid } ? 0 : (uint)Math.Min(uint.MaxValue, Sighting.Connections);
            var packets = (uint)Math.Min(uint.MaxValue, Sighting.PacketsOut + Sighting.PacketsIn);
            return new((Edge.Id * 2) + (int)Sighting.Side, connections, Sighting.Blocked ? connections : 0, packets, Sighting.BytesOut + Sighting.BytesIn);
        }
    }
}

/// <summary>
/// The flows that were received on one day (UTC): <c>2026-11-22.db</c>, dropped whole when too old. Summaries and watermarks are appended
/// in one transaction. Roll-ups by hour are appended at checkpoints: together with the summaries after <c>progress.summary</c> they say
/// everything that the summaries say.
/// </summary>
internal sealed class PartitionFile : IDisposable
{
    private const string Schema = """
        CREATE TABLE summaries (
          id INTEGER PRIMARY KEY, edge INTEGER NOT NULL, side INTEGER NOT NULL, process INTEGER, blocked INTEGER NOT NULL, decided_by INTEGER NOT NULL,
          window INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, connections INTEGER NOT NULL,
          bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL, packets_out INTEGER NOT NULL, packets_in INTEGER NOT NULL, open INTEGER NOT NULL);
        CREATE TABLE rollups (checkpoint INTEGER NOT NULL, hour INTEGER NOT NULL, edge_side INTEGER NOT NULL, connections INTEGER NOT NULL, blocked INTEGER NOT NULL, bytes INTEGER NOT NULL, packets INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE watermarks (agent BLOB NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (agent, epoch)) WITHOUT ROWID;
        CREATE TABLE losses (agent BLOB NOT NULL, hour INTEGER NOT NULL, lost INTEGER NOT NULL, incomplete INTEGER NOT NULL DEFAULT 0, unnamed INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE progress (checkpoint INTEGER NOT NULL, summary INTEGER NOT NULL);
        INSERT INTO progress VALUES (0, 0);
        """;

    private readonly SqliteFile _file;
    private readonly Statement _insertSummary;
    private readonly Statement _insertRollup;
    private readonly Statement _putWatermark;
    private readonly GapRows _gaps;
    private readonly ScanRows _scans;
    private long _checkpoint;
    private bool _interrupted;

    private PartitionFile(SqliteFile file, DateOnly day)
    {
        (_file, Day) = (file, day);
        _scans = new(file);
        _gaps = new(file);
        if (file.Scalar("SELECT count(*) FROM pragma_table_info('rollups') WHERE name = 'packets'") == 0)
        {
            file.Execute("ALTER TABLE rollups ADD COLUMN packets INTEGER NOT NULL DEFAULT 0");
        }

        _insertSummary = file.Prepare("INSERT INTO summaries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        _insertRollup = file.Prepare("INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?)");
        _putWatermark = file.Prepare("INSERT INTO watermarks VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, at = excluded.at");
        _checkpoint = file.Scalar("SELECT checkpoint FROM progress");
        LastSummary = file.Scalar("SELECT max(id) FROM summaries");
        _interrupted = true;
        BeginCheckpoint();
    }

    /// <summary>The day.</summary>
    public DateOnly Day { get; }

    /// <summary>The id of the last summary; 0 if there is none.</summary>
    public long LastSummary { get; private set; }

    /// <summary>Opens or creates a day's file.</summary>
    public static PartitionFile Open(string folder, DateOnly day)
    {
        var file = SqliteFile.Open(PathOf(folder, day), 1, Schema);
        try
        {
            return new(file, day);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The days that have a file, in order.</summary>
    public static IReadOnlyList<DateOnly> Days(string folder) =>
        [.. Directory.EnumerateFiles(folder, "????-??-??.db")
            .Select(path => DateOnly.TryParseExact(Path.GetFileNameWithoutExtension(path), "yyyy-MM-dd", out var day) ? day : (DateOnly?)null)
            .OfType<DateOnly>()
            .Order()];

    /// <summary>Deletes a day's file, which must not be open.</summary>
    public static void Drop(string folder, DateOnly day)
    {
        var path = PathOf(folder, day);
        File.Delete(path);
        File.Delete(path + "-wal");
        File.Delete(path + "-shm");
    }

    /// <summary>Commits rows, and with them the watermarks that keep them from being counted again.</summary>
    public void Append(IReadOnlyList<SummaryRow> rows, IReadOnlyDictionary<Spool, Watermark> watermarks, IReadOnlyList<HourOfGaps> gaps, IReadOnlyList<ScanSighting> scans)
    {
        var id = LastSummary;
        _file.Transact(() =>
        {
            foreach (var row in rows)
            {
                InsertSummary(++id, row);
            }

            foreach (var scan in scans)
            {
                _scans.Insert(scan);
            }

            foreach (var (spool, watermark) in watermarks)
            {
                _putWatermark.Bind(1, spool.Agent.ToByteArray()).Bind(2, unchecked((long)spool.SpoolEpoch)).Bind(3, unchecked((long)watermark.Sequence)).Bind(4, watermark.At).Step();
            }

            foreach (var hour in gaps)
            {
                _gaps.Insert(hour);
            }
        });
        LastSummary = id;
    }

    /// <summary>Takes back what an interrupted checkpoint wrote, since all of it is made again.</summary>
    public void BeginCheckpoint()
    {
        if (_interrupted)
        {
            _file.Execute(string.Create(CultureInfo.InvariantCulture, $"DELETE FROM rollups WHERE checkpoint > {_checkpoint}"));
            _interrupted = false;
        }
    }

    /// <summary>Commits some of the roll-ups of the checkpoint that began.</summary>
    public void AppendRollups(long hour, IReadOnlyList<Tally> tallies)
    {
        _interrupted = true;
        _file.Transact(() =>
        {
            foreach (var tally in tallies)
            {
                _insertRollup.Bind(1, _checkpoint + 1).Bind(2, hour).Bind(3, tally.EdgeSide).Bind(4, tally.Connections).Bind(5, tally.Blocked).Bind(6, tally.Bytes).Bind(7, tally.Packets).Step();
            }
        });
    }

    /// <summary>Ends a checkpoint: the roll-ups now hold everything up to a summary.</summary>
    public void CompleteCheckpoint(long summary)
    {
        _file.Execute(string.Create(CultureInfo.InvariantCulture, $"UPDATE progress SET checkpoint = {_checkpoint + 1}, summary = {summary}"));
        _checkpoint++;
        _interrupted = false;
    }

    /// <summary>Every watermark.</summary>
    public IEnumerable<(Spool Spool, Watermark Watermark)> Watermarks()
    {
        var rows = _file.Prepare("SELECT agent, epoch, sequence, at FROM watermarks");
        while (rows.Step())
        {
            yield return (new(new(rows.Blob(0)), unchecked((ulong)rows.Int64(1))), new(unchecked((ulong)rows.Int64(2)), rows.Int64(3)));
        }
    }

    /// <summary>Every hour of gaps; one may come several times.</summary>
    public IEnumerable<HourOfGaps> Gaps() => _gaps.All();

    /// <summary>Every scan.</summary>
    public IEnumerable<ScanSighting> Scans() => _scans.All();

    /// <summary>The roll-ups of the hours from one up to, without, another.</summary>
    public IEnumerable<(long Hour, Tally Tally)> Rollups(long from, long to) => Rollups(_file, from, to);

    /// <summary>The same of a day's file that may be open elsewhere.</summary>
    public static IEnumerable<(long Hour, Tally Tally)> Rollups(string folder, DateOnly day, long from, long to)
    {
        using var file = SqliteFile.OpenToRead(PathOf(folder, day));
        foreach (var row in Rollups(file, from, to))
        {
            yield return row;
        }
    }

    /// <summary>The summaries that no completed checkpoint holds.</summary>
    public IEnumerable<SummaryRow> SummariesSinceCheckpoint(EdgeTable table)
    {
        var rows = _file.Prepare("""
            SELECT edge, side, process, process IS NULL, blocked, decided_by, window, first, last, connections, bytes_out, bytes_in, packets_out, packets_in, open
            FROM summaries WHERE id > (SELECT summary FROM progress) ORDER BY id
            """);
        while (rows.Step())
        {
            var edge = table.Edges[(int)rows.Int64(0)];
            var sighting = new Sighting
            {
                Source = edge.Source.Address.Address,
                Destination = edge.Destination.Address.Address,
                Protocol = edge.Protocol,
                Port = edge.Port,
                Side = (FlowSide)rows.Int64(1),
                Blocked = rows.Int64(4) != 0,
                DecidedBy = rows.Int64(5),
                First = rows.Int64(7),
                Last = rows.Int64(8),
                Connections = rows.Int64(9),
                BytesOut = rows.Int64(10),
                BytesIn = rows.Int64(11),
                PacketsOut = rows.Int64(12),
                PacketsIn = rows.Int64(13),
                Open = (int)rows.Int64(14),
            };
            yield return new(edge, rows.Int64(3) != 0 ? null : table.ProcessOf((int)rows.Int64(2)), sighting, rows.Int64(6));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static string PathOf(string folder, DateOnly day) => Path.Combine(folder, day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + ".db");

    private static IEnumerable<(long Hour, Tally Tally)> Rollups(SqliteFile file, long from, long to)
    {
        using var rows = file.Prepare("SELECT hour, edge_side, connections, blocked, packets, bytes FROM rollups WHERE hour >= ? AND hour < ?");
        rows.Bind(1, from).Bind(2, to);
        while (rows.Step())
        {
            yield return (rows.Int64(0), new((int)rows.Int64(1), (uint)rows.Int64(2), (uint)rows.Int64(3), (uint)rows.Int64(4), rows.Int64(5)));
        }
    }

    private void InsertSummary(long id, in SummaryRow row)
    {
        var sighting = row.Sighting;
        _insertSummary.Bind(1, id).Bind(2, row.Edge.Id).Bind(3, (int)sighting.Side);
        if (row.Process is { } process)
        {
            _insertSummary.Bind(4, process.Id);
        }
        else
        {
            _insertSummary.BindNull(4);
        }

        _insertSummary.Bind(5, sighting.Blocked ? 1 : 0).Bind(6, sighting.DecidedBy).Bind(7, row.Window).Bind(8, sighting.First).Bind(9, sighting.Last)
            .Bind(10, sighting.Connections).Bind(11, sighting.BytesOut).Bind(12, sighting.BytesIn).Bind(13, sighting.PacketsOut).Bind(14, sighting.PacketsIn)
            .Bind(15, sighting.Open).Step();
    }
}
