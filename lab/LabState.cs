using System.Text.Json;

namespace Bulkhead.Lab;

/// <summary>What a lab's folder remembers of it.</summary>
internal sealed record LabState(int Network, IReadOnlyList<string> Hosts, bool IsUp)
{
    /// <summary>How its agents were last started; null if they never were.</summary>
    public AgentOptions? Agents { get; init; }

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    /// <summary>Reads the state, or returns null if there is none (or none that was written completely).</summary>
    public static LabState? Load(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize<LabState>(File.ReadAllText(FileIn(folder)));
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the state.</summary>
    public void Save(string folder)
    {
        var temporary = FileIn(folder) + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(this, Json));
        File.Move(temporary, FileIn(folder), overwrite: true);
    }

    /// <summary>Takes the lab's lock, which this process's end releases.</summary>
    /// <exception cref="LabException">Another process has it.</exception>
    public static FileStream Lock(LabOptions options)
    {
        OpenFolder.Create(options.Folder);
        try
        {
            return new(Path.Combine(options.Folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new LabException($"another command is bringing lab '{options.Id}' up or down; wait for it, or end it", e);
        }
    }

    private static string FileIn(string folder) => Path.Combine(folder, "lab.json");
}
