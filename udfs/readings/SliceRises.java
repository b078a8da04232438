package fire.readings;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.data.utils.ProjectedRowData;
import org.apache.flink.table.functions.FunctionDefinition;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.functions.TableSemantics;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.ArgumentCount;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.InputTypeStrategies;
import org.apache.flink.table.types.inference.InputTypeStrategy;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.table.types.inference.TypeStrategy;

/**
 * Passes on the slices of time in which a device's temperature has risen by {@code least} °C within {@code window} slices.
 *
 * <p>State per device: the highest temperatures of the last {@code memory} slices and the lowest ones of the last {@code window},
 * in two rings of one array, NaN where a slice has none. Slices arrive in the order of their time, as windows close in it. The
 * state ends when the watermark is {@code memory} slices past the newest one.
 *
 * <p>A slice is passed on with all its columns but the partition key, which Flink adds, and with those of {@code ADDED}; few are,
 * so that what only these need is computed here and not for every slice. A <i>step</i> is {@code step} slices, and its window the
 * {@code window} slices that end with it, as far as they have passed. Like FirstArrivals, this must be called without
 * {@code on_time} and is compiled by Janino, which knows neither lambdas nor generics.
 */
public final class SliceRises extends ProcessTableFunction {
  /** The highest of the step so far, the lowest of its window and of the slice's own; slices with a temperature there, and slices
   * from the first of these on; the median absolute difference of neighbouring slices' highest temperatures. */
  private static final String[] ADDED = {"step_highest", "step_lowest", "lowest_60s", "slices_60s", "span_60s", "noise"};
  private static final int STEP_HIGHEST = 0, STEP_LOWEST = 1, LOWEST = 2, SLICES = 3, SPAN = 4, NOISE = 5;
  /** The doubles before the rings: the number of the newest slice, and when it is forgotten, epoch ms. */
  private static final int NEWEST = 0, EXPIRY = 1, RINGS = 2;
  private static final Long ONLY = Long.valueOf(0);
  /** Computing in binary must not lose a rise that is exactly the least. */
  private static final double TOLERANCE = 1e-6;

  private transient ProjectedRowData passed;
  private transient int end;
  private transient int highest;
  private transient int lowest;

  /** Takes one slice; {@code seen} has one entry: the number of the device's newest slice, when it expires, and the two rings. */
  public void eval(ProcessTableFunction.Context context, MapView seen, RowData slice, Integer seconds, Integer step, Integer window,
      Integer memory, Double least) throws Exception {
    if (passed == null) {
      prepare(context.tableSemanticsFor("slices"));
    }
    long millis = slice.getTimestamp(end, 3).getMillisecond();
    long number = Math.floorDiv(millis, 1000L * seconds.intValue()), expiry = millis + 1000L * seconds.intValue() * memory.intValue();
    double[] last = (double[]) seen.get(ONLY);
    if (last == null) {
      last = new double[RINGS + memory.intValue() + window.intValue()];
      Arrays.fill(last, Double.NaN);
      last[NEWEST] = number;
      wakeAt(context.timeContext(Long.class), expiry);
    }
    last[EXPIRY] = expiry;
    forget(last, number, memory.intValue());
    last[highAt(number, memory.intValue())] = slice.getDouble(highest);
    last[lowAt(number, memory.intValue(), window.intValue())] = slice.isNullAt(lowest) ? Double.NaN : slice.getDouble(lowest);
    seen.put(ONLY, last);
    GenericRowData rise = rise(last, number, step.intValue(), window.intValue(), memory.intValue());
    if (Math.max(rise.getDouble(STEP_HIGHEST) - rise.getDouble(STEP_LOWEST), slice.getDouble(highest) - rise.getDouble(LOWEST))
        >= least.doubleValue() - TOLERANCE) {
      rise.setField(NOISE, Double.valueOf(noise(last, number, memory.intValue())));
      collect(new JoinedRowData(passed.replaceRow(slice), rise));
    }
  }

  /** Forgets a device whose newest slice is as old as its memory is long, and looks at any other again. */
  public void onTimer(ProcessTableFunction.OnTimerContext context, MapView seen) throws Exception {
    ProcessTableFunction.TimeContext clock = context.timeContext(Long.class);
    double[] last = (double[]) seen.get(ONLY);
    if (last == null || last[EXPIRY] <= ((Long) clock.currentWatermark()).longValue()) {
      seen.clear();
    } else {
      clock.registerOnTime(Long.valueOf((long) last[EXPIRY]));
    }
  }

  private static void wakeAt(ProcessTableFunction.TimeContext clock, long expiry) {
    Long watermark = (Long) clock.currentWatermark();
    // Flink drops a timer that the watermark has passed.
    clock.registerOnTime(Long.valueOf(watermark == null ? expiry : Math.max(expiry, watermark.longValue() + 1)));
  }

  private static int highAt(long number, int memory) {
    return RINGS + (int) Math.floorMod(number, (long) memory);
  }

  private static int lowAt(long number, int memory, int window) {
    return RINGS + memory + (int) Math.floorMod(number, (long) window);
  }

  /** Empties the places of the slices after the newest one up to {@code number}, which becomes the newest. */
  private static void forget(double[] last, long number, int memory) {
    int window = last.length - RINGS - memory;
    for (long missed = Math.max((long) last[NEWEST] + 1, number - memory + 1); missed <= number; missed++) {
      last[highAt(missed, memory)] = Double.NaN;
      last[lowAt(missed, memory, window)] = Double.NaN;
    }
    last[NEWEST] = number;
  }

  private static GenericRowData rise(double[] last, long number, int step, int window, int memory) {
    long stepEnd = -Math.floorDiv(-number, (long) step) * step;
    double high = Double.NEGATIVE_INFINITY, stepLow = Double.POSITIVE_INFINITY, low = Double.POSITIVE_INFINITY;
    long count = 0, first = number;
    for (long each = number; each > number - window; each--) {
      double highEach = last[highAt(each, memory)], lowEach = last[lowAt(each, memory, window)];
      if (!Double.isNaN(highEach)) {
        count++;
        first = each;
        high = each > stepEnd - step ? Math.max(high, highEach) : high;
      }
      if (!Double.isNaN(lowEach)) {
        stepLow = each > stepEnd - window ? Math.min(stepLow, lowEach) : stepLow;
        low = Math.min(low, lowEach);
      }
    }
    GenericRowData rise = new GenericRowData(ADDED.length);
    rise.setField(STEP_HIGHEST, Double.valueOf(high));
    rise.setField(STEP_LOWEST, Double.valueOf(stepLow));
    rise.setField(LOWEST, Double.valueOf(low));
    rise.setField(SLICES, Long.valueOf(count));
    rise.setField(SPAN, Long.valueOf(number - first + 1));
    return rise;
  }

  /** Returns the median absolute difference of the highest temperatures of neighbouring slices, 0 if there are none. */
  private static double noise(double[] last, long number, int memory) {
    double[] steps = new double[memory];
    int count = 0;
    for (long each = number; each > number - memory + 1; each--) {
      double difference = Math.abs(last[highAt(each, memory)] - last[highAt(each - 1, memory)]);
      if (!Double.isNaN(difference)) {
        steps[count++] = difference;
      }
    }
    Arrays.sort(steps, 0, count);
    return count == 0 ? 0 : (steps[(count - 1) / 2] + steps[count / 2]) / 2;
  }

  private void prepare(TableSemantics table) {
    List names = DataType.getFieldNames(table.dataType());
    passed = ProjectedRowData.from(passedColumns(table));
    end = names.indexOf("slice_end");
    highest = names.indexOf("highest");
    lowest = names.indexOf("lowest");
  }

  private static int[] passedColumns(TableSemantics table) {
    int[] columns = new int[DataType.getFieldCount(table.dataType())];
    int count = 0;
    for (int column = 0; column < columns.length; column++) {
      if (column != table.partitionByColumns()[0]) {
        columns[count++] = column;
      }
    }
    return Arrays.copyOf(columns, count);
  }

  /** Declares arguments, state and result by hand: annotations allow neither internal rows nor a result like the input. */
  public TypeInference getTypeInference(DataTypeFactory factory) {
    DataType rings = (DataType) DataTypes.ARRAY((DataType) DataTypes.DOUBLE().notNull()).bridgedTo(double[].class);
    LinkedHashMap states = new LinkedHashMap();
    // No time to live: state ends by event time.
    states.put("seen", StateTypeStrategy.of(
        TypeStrategies.explicit(MapView.newMapViewDataType((DataType) DataTypes.BIGINT().notNull(), rings)), Duration.ZERO));
    return TypeInference.newBuilder()
        .staticArguments(new StaticArgument[] {
          StaticArgument.table("slices", RowData.class, false, EnumSet.of(StaticArgumentTrait.SET_SEMANTIC_TABLE)),
          whole("slice_seconds"), whole("step_slices"), whole("rise_slices"), whole("kept_slices"),
          StaticArgument.scalar("least_rise", (DataType) DataTypes.DOUBLE().notNull(), false)})
        .stateTypeStrategies(states)
        .inputTypeStrategy(new InternalRows())
        .outputTypeStrategy(new WithAddedColumns())
        .build();
  }

  private static StaticArgument whole(String name) {
    return StaticArgument.scalar(name, (DataType) DataTypes.INT().notNull(), false);
  }

  /** Asks for slices as Flink holds them, because copying all their columns would cost more than all the rest. */
  private static final class InternalRows implements InputTypeStrategy {
    public ArgumentCount getArgumentCount() {
      return InputTypeStrategies.WILDCARD.getArgumentCount();
    }

    public Optional inferInputTypes(CallContext call, boolean throwOnFailure) {
      List types = new ArrayList(call.getArgumentDataTypes());
      // While SQL is validated, a type other than the table's is refused; only then is the changelog mode unknown.
      if (((TableSemantics) call.getTableSemantics(0).get()).changelogMode().isPresent()) {
        types.set(0, ((DataType) types.get(0)).bridgedTo(RowData.class));
      }
      return Optional.of(types);
    }

    public List getExpectedSignatures(FunctionDefinition definition) {
      return InputTypeStrategies.WILDCARD.getExpectedSignatures(definition);
    }
  }

  private static final class WithAddedColumns implements TypeStrategy {
    public Optional inferType(CallContext call) {
      TableSemantics table = (TableSemantics) call.getTableSemantics(0).get();
      List all = DataType.getFields(table.dataType()), fields = new ArrayList();
      int[] columns = passedColumns(table);
      for (int i = 0; i < columns.length; i++) {
        fields.add(all.get(columns[i]));
      }
      for (int i = 0; i < ADDED.length; i++) {
        fields.add(DataTypes.FIELD(ADDED[i], (DataType) (i == SLICES || i == SPAN ? DataTypes.BIGINT() : DataTypes.DOUBLE())
            .notNull()));
      }
      return Optional.of(((DataType) DataTypes.ROW(fields).notNull()).bridgedTo(RowData.class));
    }
  }
}
