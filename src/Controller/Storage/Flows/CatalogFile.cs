using System.Globalization;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>
/// <c>catalog.db</c>: what the rows of all partitions refer to, kept for ever. New entries are committed before the first row that names
/// them; an edge's state is written at checkpoints, and until then can be made again from the rows since the last one.
/// </summary>
internal sealed class CatalogFile : IDisposable
{
    private const string Schema = """
        CREATE TABLE endpoints (id INTEGER PRIMARY KEY, space TEXT NOT NULL, address BLOB NOT NULL);
        CREATE TABLE processes (id INTEGER PRIMARY KEY, path TEXT NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL, user TEXT NOT NULL);
        CREATE TABLE edges (
          id INTEGER PRIMARY KEY, source INTEGER NOT NULL, destination INTEGER NOT NULL, protocol INTEGER NOT NULL, port INTEGER NOT NULL,
          first_seen INTEGER NOT NULL DEFAULT 0, last_seen INTEGER NOT NULL DEFAULT 0,
          source_passed INTEGER NOT NULL DEFAULT 0, source_blocked INTEGER NOT NULL DEFAULT 0, source_blocked_by INTEGER NOT NULL DEFAULT 0,
          source_processes TEXT NOT NULL DEFAULT '',
          destination_passed INTEGER NOT NULL DEFAULT 0, destination_blocked INTEGER NOT NULL DEFAULT 0, destination_blocked_by INTEGER NOT NULL DEFAULT 0,
          destination_processes TEXT NOT NULL DEFAULT '');
        """;

    private readonly SqliteFile _file;
    private readonly Statement _insertEndpoint;
    private readonly Statement _insertProcess;
    private readonly Statement _insertOwner;
    private readonly Statement _insertEdge;
    private readonly Statement _updateEdge;
    private readonly Statement _forgetNames;
    private readonly Statement _insertName;
    private int _endpoints;
    private int _processes;
    private int _edges;

    private CatalogFile(SqliteFile file)
    {
        _file = file;
        // What was added since the format was first written; older controllers read on without.
        file.Execute("CREATE TABLE IF NOT EXISTS names (endpoint INTEGER NOT NULL, name TEXT NOT NULL, agent BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (endpoint, name)) WITHOUT ROWID");
        file.Execute("CREATE TABLE IF NOT EXISTS process_owners (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, container TEXT NOT NULL)");
        _forgetNames = file.Prepare("DELETE FROM names WHERE endpoint = ?");
        _insertName = file.Prepare("INSERT INTO names VALUES (?, ?, ?, ?)");
        _insertOwner = file.Prepare("INSERT INTO process_owners VALUES (?, ?, ?)");
        _insertEndpoint = file.Prepare("INSERT INTO endpoints VALUES (?, ?, ?)");
        _insertProcess = file.Prepare("INSERT INTO processes VALUES (?, ?, ?, ?, ?)");
        _insertEdge = file.Prepare("INSERT INTO edges (id, source, destination, protocol, port) VALUES (?, ?, ?, ?, ?)");
        _updateEdge = file.Prepare("""
            UPDATE edges SET first_seen = ?2, last_seen = ?3,
              source_passed = ?4, source_blocked = ?5, source_blocked_by = ?6, source_processes = ?7,
              destination_passed = ?8, destination_blocked = ?9, destination_blocked_by = ?10, destination_processes = ?11
            WHERE id = ?1
            """);
    }

    /// <summary>Opens or creates the catalog in a folder, and reads it.</summary>
    public static CatalogFile Open(string folder, EdgeTable table)
    {
        var file = SqliteFile.Open(Path.Combine(folder, "catalog.db"), 1, Schema);
        try
        {
            var catalog = new CatalogFile(file);
            catalog.Load(table);
            return catalog;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Commits what the table has gained since the last call.</summary>
    public void SaveNew(EdgeTable table)
    {
        if ((table.Endpoints.Count, table.Processes.Count, table.Edges.Count) == (_endpoints, _processes, _edges))
        {
            return;
        }

        _file.Transact(() =>
        {
            foreach (var endpoint in table.Endpoints.Skip(_endpoints))
            {
                _insertEndpoint.Bind(1, endpoint.Id).Bind(2, endpoint.Address.Space.Name).Bind(3, endpoint.Address.Address.ToBytes()).Step();
            }

            foreach (var process in table.Processes.Skip(_processes))
            {
                var seen = process.Seen!;
                _insertProcess.Bind(1, process.Id).Bind(2, seen.Path).Bind(3, seen.Name).Bind(4, seen.Unit).Bind(5, seen.User).Step();
                if (seen.Owner.Length + seen.Container.Length > 0)
                {
                    _insertOwner.Bind(1, process.Id).Bind(2, seen.Owner).Bind(3, seen.Container).Step();
                }
            }

            foreach (var edge in table.Edges.Skip(_edges))
            {
                _insertEdge.Bind(1, edge.Id).Bind(2, edge.Source.Id).Bind(3, edge.Destination.Id).Bind(4, edge.Protocol).Bind(5, edge.Port).Step();
            }
        });
        (_endpoints, _processes, _edges) = (table.Endpoints.Count, table.Processes.Count, table.Edges.Count);
    }

    /// <summary>Commits the names of endpoints.</summary>
    public void SaveNames(IReadOnlyCollection<FlowEndpoint> endpoints)
    {
        if (endpoints.Count == 0)
        {
            return;
        }

        _file.Transact(() =>
        {
            foreach (var endpoint in endpoints)
            {
                _forgetNames.Bind(1, endpoint.Id).Step();
                foreach (var name in endpoint.Names)
                {
                    _insertName.Bind(1, endpoint.Id).Bind(2, name.Name).Bind(3, name.Agent.ToByteArray()).Bind(4, name.At).Step();
                }
            }
        });
    }

    /// <summary>Commits the state of edges.</summary>
    public void SaveStates(IEnumerable<Edge> edges) => _file.Transact(() =>
    {
        foreach (var edge in edges)
        {
            _updateEdge.Bind(1, edge.Id).Bind(2, edge.FirstSeen).Bind(3, edge.LastSeen);
            BindSide(4, edge.At(FlowSide.Source));
            BindSide(8, edge.At(FlowSide.Destination));
            _updateEdge.Step();
        }
    });

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void BindSide(int index, in SideState side) => _updateEdge
        .Bind(index, side.LastPassed)
        .Bind(index + 1, side.LastBlocked)
        .Bind(index + 2, side.BlockedBy)
        .Bind(index + 3, string.Join(',', side.Processes.Members.Select(process => process.Id)));

    private void Load(EdgeTable table)
    {
        var endpoints = _file.Prepare("SELECT space, address FROM endpoints ORDER BY id");
        while (endpoints.Step())
        {
            if (!IpAddress.TryRead(endpoints.Blob(1), out var address))
            {
                throw new FlowStoreException($"{_file.Path}: endpoint {table.Endpoints.Count} is not an address. Restore the file from a backup, or move the folder away to start anew.");
            }

            table.EndpointOf(new(new(endpoints.Text(0)), address));
        }

        var names = _file.Prepare("SELECT endpoint, name, agent, at FROM names ORDER BY endpoint, at");
        while (names.Step())
        {
            var endpoint = table.Endpoints[(int)names.Int64(0)];
            endpoint.Names = [new(names.Text(1), new(names.Blob(2)), names.Int64(3)), .. endpoint.Names];
        }

        var processes = _file.Prepare("SELECT path, name, unit, user, coalesce(owner, ''), coalesce(container, '') FROM processes LEFT JOIN process_owners USING (id) ORDER BY id");
        while (processes.Step())
        {
            table.Process(new(processes.Text(0), processes.Text(1), processes.Text(2), processes.Text(3)) { Owner = processes.Text(4), Container = processes.Text(5) });
        }

        var edges = _file.Prepare("""
            SELECT source, destination, protocol, port, first_seen, last_seen,
              source_passed, source_blocked, source_blocked_by, source_processes,
              destination_passed, destination_blocked, destination_blocked_by, destination_processes
            FROM edges ORDER BY id
            """);
        var sets = new Dictionary<string, ProcessSet>(StringComparer.Ordinal);
        while (edges.Step())
        {
            var edge = table.EdgeOf(
                table.Endpoints[(int)edges.Int64(0)], table.Endpoints[(int)edges.Int64(1)], (byte)edges.Int64(2), (ushort)edges.Int64(3));
            if (edges.Int64(5) > 0)
            {
                (edge.FirstSeen, edge.LastSeen) = (edges.Int64(4), edges.Int64(5));
            }

            edge.Restore(FlowSide.Source, ReadSide(edges, 6, table, sets));
            edge.Restore(FlowSide.Destination, ReadSide(edges, 10, table, sets));
        }

        (_endpoints, _processes, _edges) = (table.Endpoints.Count, table.Processes.Count, table.Edges.Count);
    }

    private static SideState ReadSide(Statement row, int column, EdgeTable table, Dictionary<string, ProcessSet> sets)
    {
        var text = row.Text(column + 3);
        if (!sets.TryGetValue(text, out var processes))
        {
            var ids = text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture));
            sets[text] = processes = table.SetOf(ids);
        }

        return new() { LastPassed = row.Int64(column), LastBlocked = row.Int64(column + 1), BlockedBy = row.Int64(column + 2), Processes = processes };
    }
}
